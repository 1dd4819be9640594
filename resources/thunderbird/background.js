// Thunderbird's events, each handed to the part that knows what to do. Registered at once, so that they wake this page.

import { connect } from "./line.js";
import { saidOf, unwatch, watch } from "./live.js";
import { afterSend, beforeSend, closed, isAsking } from "./sending.js";

browser.compose.onBeforeSend.addListener(beforeSend);
browser.compose.onAfterSend.addListener(afterSend);

browser.compose.onComposeStateChanged.addListener(tab => watch(tab.id));
browser.compose.onIdentityChanged.addListener(tab => watch(tab.id));
browser.tabs.onCreated.addListener(tab => {
  if (tab.type === "messageCompose") {
    watch(tab.id);
  }
});
browser.tabs.onRemoved.addListener(tabId => {
  unwatch(tabId);
  closed(tabId);
});

// A newer version of this add-on waits until nobody is asked anything: the listener must not go while a window waits.
browser.runtime.onUpdateAvailable.addListener(function restart() {
  if (isAsking()) {
    setTimeout(restart, 1000);
  } else {
    browser.runtime.reload();
  }
});

browser.runtime.onMessage.addListener(async said => {
  if (said.about === "reach") {
    return saidOf(said.tabId);
  }
  try {
    return { version: (await connect()).version };
  } catch (error) {
    return { why: error.why ?? "fault" };
  }
});
