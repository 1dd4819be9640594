// What is said to SendGuard of a message that is being written.

import { membersOf } from "./books.js";

const PARENT_FIELDS = [
  "from", "sender", "reply-to", "to", "cc", "message-id", "list-id", "list-post", "precedence", "mailing-list",
  "x-beenthere", "x-mailing-list", "x-google-group-id",
];
const PARENT_WITHIN_MS = 3000;
const MOST_TEXT = 1_000_000;
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
  const parts = await digests(tabId, html ?? "");
  if (plain.length + (html?.length ?? 0) > MOST_TEXT + 1_000_000 * parts.length) {
    return { whole: false, parts };
  }
  const short = html?.replace(EMBEDDED, "$1data:,") ?? null;
  if (plain.length + (short?.length ?? 0) > MOST_TEXT) {
    return { whole: false, parts };
  }
  return { whole: true, html: short, plain, parts };
}

async function digests(tabId, html) {
  const attached = await browser.compose.listAttachments(tabId);
  const files = attached.map(async each => (await browser.compose.getAttachmentFile(each.id)).arrayBuffer());
  const pictures = [...html.matchAll(EMBEDDED)].map(async ([found]) => (await fetch(found.slice(1))).arrayBuffer());
  return Promise.all([...files, ...pictures].map(octets => octets.then(digest).catch(() => "")));
}

// SHA-256 in hex, without carriage returns and final line feeds, which change as a message is sent.
async function digest(buffer) {
  const octets = new Uint8Array(buffer).filter(each => each !== 13);
  let end = octets.length;
  while (end && octets[end - 1] === 10) {
    end -= 1;
  }
  const found = await crypto.subtle.digest("SHA-256", octets.subarray(0, end));
  return Array.from(new Uint8Array(found), each => each.toString(16).padStart(2, "0")).join("");
}

// The header fields of the message that is answered or forwarded: { name: [value, ...] }.
async function parentOf(tabId, details) {
  const id = details.relatedMessageId;
  if (!id) {
    return {};
  }
  if (parents.get(tabId)?.id !== id) {
    parents.set(tabId, { id, fields: parentFields(id, details.type).catch(() => brief(id, details.type)) });
  }
  const { fields } = parents.get(tabId);
  const late = new Promise(wake => setTimeout(wake, PARENT_WITHIN_MS, null));
  return (await Promise.race([fields, late])) ?? (await brief(id, details.type));
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

// What Thunderbird knows without reading the message: enough to tell a reply, not whether a list sent it.
async function brief(id, type) {
  if (type === "draft") {
    return {};
  }
  const known = await browser.messages.get(id);
  return {
    from: [known.author], to: known.recipients, cc: known.ccList, "message-id": [`<${known.headerMessageId}>`],
  };
}
