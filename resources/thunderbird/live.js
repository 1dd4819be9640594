// The line in the compose window: how many people the message reaches as it stands, from the same source as the question.

import { connect } from "./line.js";
import { forget, read } from "./message.js";

const LOOK_EVERY_MS = 150;
const SHARE = 20; // looking takes at most one part in so many of Thunderbird's time
const AGAIN_MS = 3000;
const ICONS = { quiet: "icons/watching.svg", ask: "icons/holding.svg", block: "icons/holding.svg", off: "icons/trouble.svg" };

const watched = new Map(); // by window: what was said of it last

export function watch(tabId) {
  if (!watched.has(tabId)) {
    watched.set(tabId, { key: "", said: null, costs: [], paused: false });
    look(tabId);
  }
}

export function unwatch(tabId) {
  watched.delete(tabId);
  forget(tabId);
}

export function saidOf(tabId) {
  return watched.get(tabId)?.said ?? null;
}

// Look no more at a window that sends, and wait until nothing is being looked at. Looking has Thunderbird read its fields
// anew, and in the middle of a send that undoes the opening of address-book lists: it would go to the list's name alone.
export async function pause(tabId) {
  const state = watched.get(tabId) ?? { key: "", said: null, costs: [] };
  watched.set(tabId, state);
  state.paused = true;
  await state.looking;
}

export function resume(tabId) {
  const state = watched.get(tabId);
  if (state?.paused) {
    state.paused = false;
    look(tabId);
  }
}

async function look(tabId) {
  const state = watched.get(tabId);
  if (!state || state.paused) {
    return;
  }
  let wait = LOOK_EVERY_MS;
  try {
    const began = performance.now();
    state.looking = browser.compose.getComposeDetails(tabId);
    const details = await state.looking;
    // The least of a few: what else Thunderbird was busy with is not the cost of looking.
    state.costs = [...state.costs, performance.now() - began].slice(-4);
    wait = state.costs.length < 4 ? wait : Math.max(wait, SHARE * Math.min(...state.costs));
    wait = Math.max(wait, await count(tabId, state, details));
  } catch {
    unwatch(tabId); // the window has gone
    return;
  }
  clearTimeout(state.next);
  state.next = setTimeout(look, wait, tabId);
}

// Have it counted where something has changed; returns how long to wait at least.
async function count(tabId, state, details) {
  const { to, cc, bcc, from, type, identityId, relatedMessageId, subject } = details;
  const key = JSON.stringify([to, cc, bcc, from, type, identityId, relatedMessageId, !subject]);
  if (key === state.key) {
    return 0;
  }
  try {
    const line = await connect();
    const said = await line.say("count", { message: await read(tabId, details, false) });
    line.port.onDisconnect.addListener(() => { state.key = ""; });
    state.key = key;
    await show(tabId, state, said);
  } catch (error) {
    await show(tabId, state, { level: "off", label: browser.i18n.getMessage("live_off"), lines: [], why: error.why });
    return AGAIN_MS;
  }
  return 0;
}

async function show(tabId, state, said) {
  state.said = said;
  const label = said.label || browser.i18n.getMessage("live_empty");
  await Promise.all([
    browser.composeAction.setLabel({ tabId, label }),
    browser.composeAction.setTitle({ tabId, title: ["SendGuard", said.label, ...said.lines].filter(Boolean).join("\n") }),
    browser.composeAction.setIcon({ tabId, path: ICONS[said.level] ?? ICONS.quiet }),
  ]);
}
