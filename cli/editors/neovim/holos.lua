-- Neovim 0.11 or later: put this file into ~/.config/nvim/lsp/ and add to init.lua
--
--   vim.filetype.add({ extension = { holos = "holos" } })
--   vim.lsp.enable("holos")
--
-- For Neovim 0.7 to 0.10, add to init.lua instead:
--
--   vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
--     pattern = "*.holos",
--     callback = function()
--       vim.bo.filetype = "holos"
--       local root = vim.fs and vim.fs.root and vim.fs.root(0, { "holos.mod", "cue.mod" })
--       local client = vim.lsp.start_client({ name = "holos", cmd = { "holosc", "lsp" }, root_dir = root or vim.fn.getcwd() })
--       vim.lsp.buf_attach_client(0, client)
--     end,
--   })

return {
  cmd = { "holosc", "lsp" },
  filetypes = { "holos" },
  root_markers = { "holos.mod", "cue.mod", ".git" },
}
