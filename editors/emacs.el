;; Emacs 29 or later, with eglot, which comes with it (for 28, install eglot and yaml-mode): put this into init.el.
;; Shapes behind the lines are shown by `eglot-inlay-hints-mode', from eglot 1.10 on.
(require 'eglot)
(when (fboundp 'yaml-ts-mode)
  (add-to-list 'auto-mode-alist '("\\.ya?ml\\'" . yaml-ts-mode)))
(add-to-list 'eglot-server-programs '((yaml-ts-mode yaml-mode) . ("planner" "lsp")))
(dolist (hook '(yaml-ts-mode-hook yaml-mode-hook))
  (add-hook hook #'eglot-ensure))
