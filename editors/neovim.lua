-- Neovim 0.8 or later, without any plugin: put this into init.lua.
vim.api.nvim_create_autocmd("FileType", {
  pattern = "yaml",
  callback = function(opened)
    vim.lsp.start({ name = "planner", cmd = { "planner", "lsp" }, root_dir = vim.fs.dirname(opened.file) })
  end,
})
vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(opened)
    if vim.lsp.inlay_hint then vim.lsp.inlay_hint.enable(true, { bufnr = opened.buf }) end -- 0.10 or later
    vim.keymap.set("n", "K", vim.lsp.buf.hover, { buffer = opened.buf })
    vim.keymap.set("n", "gd", vim.lsp.buf.definition, { buffer = opened.buf })
    vim.keymap.set("n", "<leader>r", vim.lsp.buf.rename, { buffer = opened.buf })
    vim.keymap.set("n", "<leader>a", vim.lsp.buf.code_action, { buffer = opened.buf })
  end,
})
