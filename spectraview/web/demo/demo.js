// A small shop: enough of what real pages do to see it in the console.
const plants = [
  ['🌵', 'Cactus', 12], ['🪴', 'Rubber plant', 34], ['🌿', 'Fern', 18], ['🎋', 'Bamboo', 27],
  ['🌱', 'Monstera seedling', 9], ['🌷', 'Tulips', 15], ['🌻', 'Sunflower', 11], ['🍀', 'Clover', 6],
].map(([picture, name, price]) => ({ picture, name, price }));
const basket = new Map();
const find = (id) => document.getElementById(id);
const euros = (amount) => `€ ${amount.toFixed(2)}`;

function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  made.textContent = text;
  return made;
}

function show(list) {
  find('plants').replaceChildren(...list.map((plant) => {
    const card = element('article', '', { className: 'plant' });
    const buy = element('button', 'Put into the basket', { type: 'button' });
    buy.addEventListener('click', () => add(plant));
    card.append(element('span', plant.picture), element('b', plant.name), element('div', euros(plant.price)), buy);
    return card;
  }));
}

function add(plant) {
  basket.set(plant, (basket.get(plant) ?? 0) + 1);
  find('count').textContent = [...basket.values()].reduce((sum, count) => sum + count, 0);
  window.SpectraView?.track('added_to_basket', { plant: plant.name, price: plant.price });
}

function sorted() {
  const by = find('sort').value;
  const wanted = find('search').value.toLowerCase();
  const order = by === 'price' ? (a, b) => a.price - b.price : (a, b) => a.name.localeCompare(b.name);
  return plants.filter((plant) => plant.name.toLowerCase().includes(wanted)).sort(order);
}

find('sort').addEventListener('change', () => show(sorted()));
find('search').addEventListener('input', () => show(sorted()));
find('shuffle').addEventListener('click', () => show([...plants].sort(() => Math.random() - 0.5)));
find('basket').addEventListener('click', () => {
  const lines = [...basket].map(([plant, count]) => element('li', `${count} × ${plant.name}`));
  find('items').replaceChildren(...(lines.length ? lines : [element('li', 'Nothing yet')]));
  find('total').textContent = euros([...basket].reduce((sum, [plant, count]) => sum + count * plant.price, 0));
  find('dialog').showModal();
});
find('order').addEventListener('click', () => {
  window.SpectraView?.track('ordered', { plants: basket.size });
  basket.clear();
  find('count').textContent = 0;
});
find('account').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = new FormData(event.target).get('name');
  if (name) window.SpectraView?.identify(String(name).slice(0, 100));
  find('saved').textContent = 'Saved.';
});
find('error').addEventListener('click', () => {
  throw new TypeError('The watering can is empty');
});
find('reject').addEventListener('click', () => {
  Promise.reject(new Error('The delivery van is late'));
});
find('track').addEventListener('click', () => window.SpectraView?.track('waved', { from: 'the demo' }));
// At the click, since a session may change: with another user, or after a long pause.
find('watch').addEventListener('click', (event) => {
  const id = window.SpectraView?.sessionId();
  if (id) event.currentTarget.href = `/#/sessions/${id}`;
});

show(sorted());
