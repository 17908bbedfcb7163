// A thin client: starts the language server, and leaves all else to it.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const [command, ...args] = vscode.workspace.getConfiguration("shape-planner").get("command");
  const files = { documentSelector: [{ language: "yaml" }] };
  client = new LanguageClient("shape-planner", "Shape planner", { command, args }, files);
  try {
    await client.start();
  } catch (error) {
    const help = "pip install 'shape-planner[lsp]', or set shape-planner.command to where it is";
    vscode.window.showErrorMessage(`\`${command}\` cannot be started: ${help}`);
  }
};

exports.deactivate = () => client && client.stop();
