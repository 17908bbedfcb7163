# Kakoune with kakoune-lsp (kak-lsp) 17 or later: put this into kakrc.
eval %sh{kak-lsp}
hook global BufSetOption filetype=yaml %{
    set-option buffer lsp_servers %{
        [planner]
        root_globs = [".git"]
        command = "planner"
        args = ["lsp"]
    }
}
hook global WinSetOption filetype=yaml %{
    lsp-enable-window
    lsp-inlay-hints-enable window
}
