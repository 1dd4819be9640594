// Lists of the address books. Thunderbird puts one into a field as `Name <description>`, or `Name <Name>` where it has no
// description, and opens it only when it sends; its own parser opens those without a description alone.

const MOST_LISTS = 2000;

// The members of every list among some entries: { entry: [address, ...] }. A list within a list is opened as well. Of
// several lists that an entry may stand for, all are opened: rather too many people than too few.
export async function membersOf(entries) {
  const names = entries.filter(entry => !/[^\s<>"@]@[^\s<>"@]/.test(entry) && entry.trim());
  if (!names.length) {
    return {};
  }
  const lists = await allLists();
  const found = {};
  for (const entry of names) {
    const members = await open(entry, lists, new Set());
    if (members.length) {
      found[entry] = [...new Set(members)];
    }
  }
  return found;
}

async function allLists() {
  const books = await browser.addressBooks.list();
  const found = await Promise.all(books.map(book => browser.addressBooks.mailingLists.list(book.id)));
  return found.flat().slice(0, MOST_LISTS);
}

async function open(entry, lists, seen) {
  const members = [];
  for (const list of lists.filter(each => !seen.has(each.id) && isMeant(entry, each))) {
    seen.add(list.id);
    for (const contact of await browser.addressBooks.mailingLists.listMembers(list.id)) {
      const address = addressOf(contact.vCard ?? "");
      if (address.includes("@")) {
        members.push(address);
      } else if (address) {
        members.push(...(await open(`${address} <${address}>`, lists, seen)));
      }
    }
  }
  return members;
}

function isMeant(entry, list) {
  const same = text => plain(text) === plain(entry);
  return same(`${list.name} <${list.description || list.name}>`) || same(list.name);
}

const plain = text => text.replace(/["\\\s]+/g, " ").replace(/\s*([<>])\s*/g, "$1").trim().toLowerCase();

// The address of a card: the preferred one, else the first (RFC 6350).
function addressOf(card) {
  const lines = card.replace(/\r?\n[ \t]/g, "").split(/\r?\n/);
  const found = lines.map(each => /^(?:[\w-]+\.)?EMAIL((?:;[^:]*)?):(.*)$/i.exec(each)).filter(Boolean);
  const preferred = found.find(([, how]) => /;\s*(PREF=1\b|TYPE=("[^"]*)?\bpref\b)/i.test(how)) ?? found[0];
  return preferred ? preferred[2].replace(/\\([,;\\])/g, "$1").trim() : "";
}
