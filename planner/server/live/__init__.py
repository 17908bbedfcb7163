"""The live page: the text of a model file on one side, its plan on the other, both in a browser on this machine.

    disk    the file: its text, who else writes it, and how it is saved
    parts   what the page shows of a report, in plain values
    worker  a process of its own in which the parts are made that take long, so that the editor never waits for them
    tab     one page that is open: the language server with a few messages of our own, over one WebSocket
    site    the addresses, and who may ask for them
    page/   what runs in the browser: the sources, and in `built` what `make page` makes of them

A new part of the page is a function in `parts`, and what shows it in `page/`.

What shows a report in a page (`outputs/report/parts.js` and `page.css`) is shared with the HTML report.
"""
