"""What `planner report` writes: all that is known about one model, as a page to look at.

The page is `page.html`, `page.css` and `page.js`, with the data of `_data` in it. It must need no network, and
take any name that a file may hold.
"""
