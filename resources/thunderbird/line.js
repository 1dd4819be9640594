// The line to SendGuard: Thunderbird starts its host, which passes what is said here to the program that runs.

export const PROTOCOL = 1;
const HOST = "sendguard";
const HELLO_WITHIN_MS = 5000;

// Why SendGuard cannot be asked: no_host, not_running, not_ours, too_old, too_new, silent, ended, ledger, fault.
export class NotAnswered extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

let line = null;
let number = 0;

class Line {
  constructor() {
    this.waiting = new Map();
    this.version = "";
    this.why = "ended";
    this.port = browser.runtime.connectNative(HOST);
    this.port.onMessage.addListener(said => this.heard(said));
    this.port.onDisconnect.addListener(port => this.ended(port.error));
    this.greeted = this.greet();
    this.greeted.catch(() => {}); // whoever asks is told
  }

  async greet() {
    const late = setTimeout(() => this.close("silent"), HELLO_WITHIN_MS);
    try {
      const said = await this.say("hello", { protocol: PROTOCOL, addon: browser.runtime.getManifest().version });
      if (said.protocol !== PROTOCOL) {
        throw this.close(said.protocol > PROTOCOL ? "too_new" : "too_old");
      }
      this.version = String(said.version);
    } finally {
      clearTimeout(late);
    }
  }

  say(what, fields, id = ++number) {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.port.postMessage({ id, do: what, ...fields });
    });
  }

  // For what is not answered.
  tell(what, fields) {
    this.port.postMessage({ id: ++number, do: what, ...fields });
  }

  heard(said) {
    if (said.host) {
      this.why = said.host;
      return;
    }
    const waits = this.waiting.get(said.id);
    this.waiting.delete(said.id);
    if (said.error) {
      waits?.reject(new NotAnswered(said.error));
    } else {
      waits?.resolve(said);
    }
  }

  ended(error) {
    if (error && this.why === "ended" && !this.version) {
      this.why = "no_host";
    }
    this.close(this.why);
  }

  close(why) {
    if (line === this) {
      line = null;
    }
    this.port.disconnect();
    const failure = new NotAnswered(why);
    for (const { reject } of this.waiting.values()) {
      reject(failure);
    }
    this.waiting.clear();
    return failure;
  }
}

// The open line, or a new one. Fails with NotAnswered.
export async function connect() {
  line ??= new Line();
  const open = line;
  await open.greeted;
  return open;
}

export function nextNumber() {
  return ++number;
}
