// What is said to SendGuard of a message that is being written.

import { membersOf } from "./books.js";

const PARENT_FIELDS = [
  "from", "sender", "reply-to", "to", "cc", "message-id", "list-id", "list-post", "precedence", "mailing-list",
  "x-beenthere", "x-mailing-list", "x-google-group-id",
];
const PARENT_WITHIN_MS = 3000;
const UNREAD = "<unread@thunderbird.invalid>";
const MOST_TEXT = 500_000; // characters: six octets each at the worst, and a frame holds four mebibytes
const MOST_ENTRIES = 20_000;
const EMBEDDED = /(["'(])data:[^"',)]*,[^"')]*/g;

const parents = new Map(); // by window: the message answered there, and its fields

// The message as far as its audience needs it; `whole` with its text and digests of its attachments.
export async function read(tabId, details, whole) {
  const fields = { to: details.to, cc: details.cc, bcc: details.bcc, reply_to: details.replyTo };
  for (const [name, entries] of Object.entries(fields)) {
    fields[name] = (entries ?? []).map(String);
  }
  const entries = [...fields.to, ...fields.cc, ...fields.bcc];
  if (entries.length > MOST_ENTRIES) {
    throw new RangeError("more recipients than can be counted");
  }
  const [lists, own, parent] = await Promise.all([membersOf(entries), ownAddresses(), parentOf(tabId, details)]);
  const message = {
    from: String(details.from ?? ""), ...fields, lists, own, kind: details.type, subject: details.subject ?? "", parent,
  };
  return whole ? { ...message, ...(await content(tabId, details)) } : message;
}

export function forget(tabId) {
  parents.delete(tabId);
}

async function ownAddresses() {
  const identities = await browser.identities.list();
  return identities.map(identity => identity.email).filter(Boolean);
}

async function content(tabId, details) {
  const html = details.isPlainText ? null : details.body ?? "";
  const plain = details.plainTextBody ?? "";
  const [text, parts] = await Promise.all([textDigest(plain, html), digests(tabId, html ?? "")]);
  const short = html?.replace(EMBEDDED, "$1data:,") ?? null;
  const whole = plain.length + (short?.length ?? 0) <= MOST_TEXT;
  return whole ? { whole, html: short, plain, text, parts } : { whole, text, parts };
}

function textDigest(plain, html) {
  return hex(new TextEncoder().encode(JSON.stringify([plain, html])));
}

// What is attached, and the pictures in the text, each by its digest; what cannot be read (a file that lies on the net)
// by its name and size.
async function digests(tabId, html) {
  const attached = await browser.compose.listAttachments(tabId);
  const files = attached.map(async ({ id, name, size }) => {
    try {
      return await digest(await (await browser.compose.getAttachmentFile(id)).arrayBuffer());
    } catch {
      return `unread ${size} ${name}`;
    }
  });
  const pictures = [...html.matchAll(EMBEDDED)].map(async ([found]) => {
    try {
      return await digest(await (await fetch(found.slice(1))).arrayBuffer());
    } catch {
      return "unread picture";
    }
  });
  return Promise.all([...files, ...pictures]);
}

// SHA-256 in hex, without carriage returns and final line feeds, which change as a message is sent.
function digest(buffer) {
  const octets = new Uint8Array(buffer).filter(each => each !== 13);
  let end = octets.length;
  while (end && octets[end - 1] === 10) {
    end -= 1;
  }
  return hex(octets.subarray(0, end));
}

async function hex(octets) {
  const found = await crypto.subtle.digest("SHA-256", octets);
  return Array.from(new Uint8Array(found), each => each.toString(16).padStart(2, "0")).join("");
}

// The header fields of the message that is answered or forwarded: { name: [value, ...] }. Read once for a window; what
// could not be read is tried again the next time.
async function parentOf(tabId, details) {
  const id = details.relatedMessageId;
  if (!id) {
    return {};
  }
  if (parents.get(tabId)?.id !== id) {
    const fields = parentFields(id, details.type);
    fields.catch(() => parents.delete(tabId));
    parents.set(tabId, { id, fields });
  }
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(reject, PARENT_WITHIN_MS, new Error("late")); });
  try {
    return await Promise.race([parents.get(tabId).fields, late]);
  } catch {
    return brief(id, details.type);
  } finally {
    clearTimeout(timer);
  }
}

async function parentFields(id, type) {
  const { headers } = await browser.messages.getFull(id);
  if (type !== "draft") {
    return picked(headers);
  }
  const references = (headers.references?.[0] ?? "").match(/<[^<>\s]+>/g) ?? [];
  const answered = headers["in-reply-to"]?.[0] ?? references.at(-1) ?? "";
  const bare = answered.trim().replace(/^<|>$/g, "");
  if (!bare) {
    return {};
  }
  const { messages } = await browser.messages.query({ headerMessageId: bare });
  const fields = messages.length ? picked((await browser.messages.getFull(messages[0].id)).headers) : {};
  return { ...fields, "message-id": [`<${bare}>`] };
}

function picked(headers) {
  const known = PARENT_FIELDS.filter(name => headers[name]?.length);
  return Object.fromEntries(known.map(name => [name, headers[name].map(String)]));
}

// What Thunderbird knows without reading the message: enough to tell a reply, not whether a list sent it. A draft that
// cannot be read may be a reply: it is taken for one.
async function brief(id, type) {
  if (type === "draft") {
    return { "message-id": [UNREAD] };
  }
  const known = await browser.messages.get(id);
  return {
    from: [known.author], to: known.recipients, cc: known.ccList, "message-id": [`<${known.headerMessageId}>`],
  };
}
