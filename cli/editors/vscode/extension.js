// Starts `holosc lsp` for .holos files.

const { commands, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function start() {
  const command = workspace.getConfiguration("holos").get("path", "holosc");
  const server = { command, args: ["lsp"] };
  const options = { documentSelector: [{ scheme: "file", language: "holos" }] };
  client = new LanguageClient("holos", "Holos", server, options);
  return client.start();
}

exports.activate = (context) => {
  const restart = commands.registerCommand("holos.restart", async () => {
    await client?.stop();
    await start();
  });
  context.subscriptions.push(restart);
  return start();
};

exports.deactivate = () => client?.stop();
