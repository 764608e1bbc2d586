-- Drives Neovim: types an error, sees it, mends it, sees it go; then asks for hover and formatting.
-- Arguments by environment: HOLOSC, the server; REPORT, where to write what was seen.

local function wait(what, condition)
  if not vim.wait(30000, condition, 20) then
    error("timed out waiting for " .. what)
  end
end

local function seen()
  local out = {}
  for _, d in ipairs(vim.diagnostic.get(0)) do
    table.insert(out, string.format("%d:%d-%d:%d %s", d.lnum, d.col, d.end_lnum, d.end_col, d.message:match("[^\n]*")))
  end
  return out
end

local report = {}
local ok, problem = pcall(function()
  vim.cmd("edit port.holos")
  local client = vim.lsp.start_client({ name = "holos", cmd = { vim.env.HOLOSC, "lsp" }, root_dir = vim.fn.getcwd() })
  vim.lsp.buf_attach_client(0, client)
  wait("the server", function() return #vim.lsp.buf_get_clients(0) > 0 and vim.lsp.buf_get_clients(0)[client].initialized end)

  -- An error of the syntax, in the middle of a line behind characters outside of ASCII.
  vim.api.nvim_buf_set_lines(0, 2, 3, false, { 'name: "bänk" ]' })
  wait("a syntax error", function() return #seen() > 0 end)
  table.insert(report, { syntax = seen() })

  -- An error of types.
  vim.api.nvim_buf_set_lines(0, 2, 3, false, { 'name: "bänk" & 5' })
  wait("a type error", function() return #seen() > 0 and seen()[1]:find("conflict") end)
  table.insert(report, { types = seen() })

  vim.api.nvim_buf_set_lines(0, 2, 3, false, { 'name: "bänk"' })
  wait("no error", function() return #seen() == 0 end)
  table.insert(report, { mended = #seen() })

  -- Hover over `port` in the last line.
  local params = { textDocument = vim.lsp.util.make_text_document_params(0), position = { line = 3, character = 1 } }
  local answer = vim.lsp.buf_request_sync(0, "textDocument/hover", params, 30000)
  table.insert(report, { hover = answer[client].result.contents.value })

  vim.api.nvim_buf_set_lines(0, 2, 3, false, { 'name:     "bänk"' })
  vim.lsp.buf.formatting_sync(nil, 30000)
  table.insert(report, { formatted = vim.api.nvim_buf_get_lines(0, 2, 3, false)[1] })
end)
if not ok then
  table.insert(report, { problem = tostring(problem), diagnostics = seen() })
end
local file = io.open(vim.env.REPORT, "w")
file:write(vim.json and vim.json.encode(report) or vim.fn.json_encode(report))
file:close()
vim.cmd("qa!")
