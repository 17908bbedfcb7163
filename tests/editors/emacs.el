;; Drives Emacs with the settings of editors/emacs.el: findings, a hover, a fix and a new name, in the buffer's text.
;; The environment has the settings' file, the server's command as a list, the model file and the file for what was seen.
(require 'package)
(package-initialize)
(require 'json)
(load (getenv "SETTINGS"))
(setq eglot-server-programs (list (cons 'yaml-mode (read (getenv "SERVER"))))
      eglot-confirm-server-initiated-edits nil
      seen nil)

(defun await (what holds)
  (with-timeout (30 (error "waited in vain for %s" what))
    (while (not (funcall holds)) (accept-process-output nil 0.05))))

(defun see (key value) (push (cons key value) seen))

(condition-case failure
    (progn
      (find-file (getenv "MODEL"))
      (unless (derived-mode-p 'yaml-mode) (yaml-mode))
      (apply #'eglot (eglot--guess-contact))
      (await "the server" #'eglot-current-server)
      (flymake-start)
      (await "findings" (lambda () (flymake-diagnostics)))
      (see 'findings (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
      (goto-char (point-min))
      (search-forward "paddd")
      (let ((action (seq-find (lambda (each) (string-prefix-p "`padding`" (plist-get each :title)))
                              (eglot-code-actions (point) (point)))))
        (see 'action (plist-get action :title))
        (eglot--apply-workspace-edit (plist-get action :edit)))
      (see 'after_action (buffer-string))
      (eglot--signal-textDocument/didChange) ; which else waits until Emacs has been idle
      (goto-char (point-min))
      (search-forward "type: st")
      (eglot-rename "étage🙂")
      (see 'after_rename (buffer-string)))
  (error (see 'failure (error-message-string failure))))
(let ((coding-system-for-write 'utf-8))
  (write-region (json-encode seen) nil (getenv "RESULT")))
(set-buffer-modified-p nil)
(kill-emacs)
