// The line to the planner: one WebSocket for the Language Server Protocol and for the messages of the page. Where it is
// lost it is opened again, and whoever waited for an answer gets none.

export class Line {
  constructor(address, { opened, lost, told }) {
    Object.assign(this, { address, opened, lost, told });
    this.waiting = new Map();
    this.handlers = new Set();
    this.last = 0;
    this.delay = FIRST;
    for (const event of ["online", "focus"]) addEventListener(event, () => this.retry());
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const socket = (this.socket = new WebSocket(this.address));
    socket.onopen = () => {
      this.delay = FIRST;
      this.opened();
    };
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = () => {
      if (socket !== this.socket) return;
      for (const resolve of this.waiting.values()) resolve(null);
      this.waiting.clear();
      this.lost();
      this.timer = setTimeout(() => this.open(), this.delay);
      this.delay = Math.min(this.delay * 2, LONGEST);
    };
  }

  retry() {
    if (this.socket.readyState === WebSocket.CLOSED) this.open();
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  receive(text) {
    const message = JSON.parse(text);
    if (this.waiting.has(message.id)) {
      this.waiting.get(message.id)(message.result);
      this.waiting.delete(message.id);
    } else if (message.method?.startsWith("planner/")) this.told(message.method, message.params);
    else {
      // That the text has changed meanwhile is no error to the reader: there is no answer.
      const passed = message.error?.code === CONTENT_MODIFIED || message.error?.code === CANCELLED;
      const said = passed ? JSON.stringify({ jsonrpc: "2.0", id: message.id, result: null }) : text;
      for (const handler of this.handlers) handler(said);
    }
  }

  // The answer to a message of the page; null where the line is lost meanwhile.
  ask(method, params = {}) {
    if (!this.isOpen) return Promise.resolve(null);
    const id = `page ${++this.last}`;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  // What the client of the language server needs. While the line is lost its messages go nowhere: when it is there
  // again, the whole text is sent.
  get transport() {
    return {
      send: (message) => { if (this.isOpen) this.socket.send(message); },
      subscribe: (handler) => this.handlers.add(handler),
      unsubscribe: (handler) => this.handlers.delete(handler),
    };
  }
}

const CONTENT_MODIFIED = -32801;
const CANCELLED = -32800;
const FIRST = 300;
const LONGEST = 3000;
