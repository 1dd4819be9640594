// Fills in the texts of a page: <h1 data-text="name">.

export const text = (name, ...values) => browser.i18n.getMessage(name, values);

export function fill() {
  document.documentElement.lang = browser.i18n.getUILanguage();
  for (const each of document.querySelectorAll("[data-text]")) {
    each.textContent = text(each.dataset.text);
  }
}

export function element(name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}
