;; Emacs 29 or later, with eglot, which comes with it: put this into init.el.
;; Shapes behind the lines are shown by `eglot-inlay-hints-mode', which is on by default.
(require 'eglot)
(add-to-list 'auto-mode-alist '("\\.ya?ml\\'" . yaml-ts-mode))
(dolist (mode '(yaml-ts-mode yaml-mode conf-mode))
  (add-to-list 'eglot-server-programs `(,mode . ("planner" "lsp"))))
(dolist (hook '(yaml-ts-mode-hook yaml-mode-hook))
  (add-hook hook #'eglot-ensure))
