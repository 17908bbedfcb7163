-- Drives Neovim as somebody would: opens the file, waits for findings, and lets the editor make what the server offers.
-- vim.g.server is the server's command, vim.g.result the file for what was seen.
local seen = {}
local function finish(failure)
  seen.failure = failure
  local file = io.open(vim.g.result, "w")
  file:write(vim.json.encode(seen))
  file:close()
  vim.cmd("qall!")
end

local function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") end

local function await(what, holds)
  if not vim.wait(30000, holds, 20) then error("waited in vain for " .. what) end
end

local function cursor_on(words, inside)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local at = line:find(words, 1, true)
    if at then
      vim.api.nvim_win_set_cursor(0, { number, at - 1 + (inside or 0) })
      return
    end
  end
  error("no line has " .. words)
end

local function ask(method, extra)
  local params = vim.tbl_extend("force", vim.lsp.util.make_position_params(), extra or {})
  for _, answer in pairs(vim.lsp.buf_request_sync(0, method, params, 30000) or {}) do
    if answer.error then error(method .. ": " .. vim.inspect(answer.error)) end
    return answer.result
  end
  error(method .. " is not answered")
end

local function codes()
  return vim.tbl_map(function(each) return each.code or each.user_data.lsp.code end, vim.diagnostic.get(0))
end

local function session()
  local client = vim.lsp.start_client({ name = "planner", cmd = vim.g.server, root_dir = vim.fn.getcwd() })
  vim.lsp.buf_attach_client(0, client)
  await("findings", function() return vim.tbl_contains(codes(), "NSP110") end)
  seen.codes = codes()

  cursor_on("paddding", 2)
  local range = vim.lsp.util.make_range_params()
  range.context = { diagnostics = {} }
  local actions
  for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/codeAction", range, 30000)) do actions = answer.result end
  seen.actions = vim.tbl_map(function(each) return each.title end, actions)
  vim.lsp.util.apply_workspace_edit(actions[1].edit, vim.lsp.get_client_by_id(client).offset_encoding)
  seen.after_action = text()
  await("no findings", function() return not vim.tbl_contains(codes(), "NSP110") end)

  cursor_on("type: Conv2d", 7)
  seen.hover = ask("textDocument/hover").contents.value

  cursor_on("type: stufe", 7)
  vim.lsp.buf.rename("étage🙂")
  await("the new name", function() return text():find("type: étage🙂", 1, true) ~= nil end)
  seen.after_rename = text()

  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_buf_set_lines(0, last, last, false, { "      - {name: 層, type: Conv2d, kern" })
  vim.api.nvim_win_set_cursor(0, { last + 1, #"      - {name: 層, type: Conv2d, kern" })
  local found = ask("textDocument/completion")
  local labels = {}
  for _, each in ipairs(found.items) do
    table.insert(labels, each.label)
    if each.label == "kernel_size" then
      vim.lsp.util.apply_text_edits({ each.textEdit }, 0, vim.lsp.get_client_by_id(client).offset_encoding)
    end
  end
  seen.labels = labels
  seen.after_completion = text()
end

local ok, failure = pcall(session)
finish(not ok and tostring(failure) or nil)
