// The last answers, for the options page: when, how many, what came of it. No address and no subject.

const MOST = 20;

export async function remember(answer) {
  try {
    const { answers = [] } = await browser.storage.local.get("answers");
    const latest = { at: Date.now(), people: answer.people, came: answer.came, answer: answer.answer };
    await browser.storage.local.set({ answers: [latest, ...answers].slice(0, MOST) });
  } catch {
    // a list of past answers is never worth a message
  }
}

export async function answers() {
  return (await browser.storage.local.get("answers")).answers ?? [];
}
