// The page: one WebSocket feeds the 3D view, the camera pictures, the carts and the receipts.
import { FloorView } from "./view3d.js";

const element = (id) => document.getElementById(id);
const view = new FloorView(element("view"), element("labels"));
const receipts = new Map();
const cameras = new Map();
const nodes = new Map();
const DOUBTFUL = 0.9;

function money(minor, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency: currency || "EUR" });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function lineTable(lines, currency) {
  const table = make("table");
  for (const line of lines) {
    const row = table.insertRow();
    if (line.probability < DOUBTFUL) row.className = "doubtful";
    row.insertCell().textContent = `${line.quantity} ×`;
    row.insertCell().textContent = line.name;
    row.insertCell().textContent = money(line.total_minor, currency);
    const sure = row.insertCell();
    sure.textContent = `${Math.round(line.probability * 100)} %`;
    row.title = `${line.sku}; evidence: ${line.evidence.join(", ") || "none"}`;
  }
  return table;
}

function heading(title, total, colour) {
  const head = make("h3");
  const left = make("span");
  if (colour) {
    const swatch = make("span", "swatch");
    swatch.style.background = colour;
    left.append(swatch);
  }
  left.append(title);
  head.append(left, make("span", "", total));
  return head;
}

function showCarts(carts) {
  const open = carts.filter((cart) => cart.state !== "settled");
  element("cart-count").textContent = open.length;
  const list = open.map((cart) => {
    const article = make("article");
    const shoppers = cart.tracks.length ? `shopper ${cart.names.join(", ")}` : "not found yet";
    article.append(heading(cart.staff ? "Staff" : `Visit ${cart.session}`, money(cart.total_minor, cart.currency),
      view.shopperColour(cart.tracks[0])));
    article.append(make("p", "", cart.state === "open" ? shoppers : `${shoppers} · ${cart.state}`));
    if (cart.lines.length) article.append(lineTable(cart.lines, cart.currency));
    return article;
  });
  element("carts").replaceChildren(...(list.length ? list : [make("p", "empty", "Nobody is in the store.")]));
}

function showReceipts() {
  element("receipt-count").textContent = receipts.size;
  const newest = [...receipts.values()].sort((a, b) => b.stamp_s - a.stamp_s);
  const list = newest.map((receipt) => {
    const article = make("article");
    article.append(heading(receipt.id, money(receipt.total_minor, receipt.currency)));
    const info = make("p", receipt.payment === "failed" ? "failed" : "");
    info.textContent = `visit ${receipt.session} · ${Math.round(receipt.visit_s)} s in the store · payment ${receipt.payment}`;
    article.append(info);
    if (receipt.needs_review) article.append(make("p", "review", "waits for a review"));
    article.append(receipt.lines.length ? lineTable(receipt.lines, receipt.currency) : make("p", "empty", "Nothing bought."));
    return article;
  });
  element("receipts").replaceChildren(...(list.length ? list : [make("p", "empty", "No receipt yet.")]));
}

function showNodes() {
  const list = [...nodes].sort(([a], [b]) => a.localeCompare(b)).map(([name, status]) => {
    const dot = make("li");
    dot.dataset.level = status.level;
    dot.title = `${name}: ${status.message}${status.rate_hz ? ` · ${status.rate_hz} Hz` : ""}`;
    return dot;
  });
  element("nodes").replaceChildren(...list);
  const health = nodes.get("store health");
  element("health").hidden = !health || health.level === 0;
  element("health").textContent = health ? health.message : "";
  element("health").dataset.level = health ? health.level : 0;
}

function showPicture(bytes) {
  const id = new TextDecoder().decode(bytes.slice(0, 32)).replace(/\0+$/, "");
  let image = cameras.get(id);
  if (!image) {
    const figure = make("figure");
    image = make("img");
    image.alt = `Camera ${id}`;
    figure.append(image, make("figcaption", "", id));
    figure.dataset.id = id;
    cameras.set(id, image);
    const figures = [...element("cameras").children, figure];
    figures.sort((a, b) => a.dataset.id.localeCompare(b.dataset.id, undefined, { numeric: true }));
    element("cameras").replaceChildren(...figures);
  }
  const old = image.src;
  image.src = URL.createObjectURL(new Blob([bytes.slice(32)], { type: "image/jpeg" }));
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
}

function handle(message) {
  if (message.title) {
    element("store").textContent = message.title;
    document.title = `${message.title} · Walkout`;
  }
  for (const [key, marker] of Object.entries(message.marker ?? {})) view.setMarker(key, marker);
  if (message.carts) showCarts(message.carts.all);
  if (message.receipt) {
    for (const [id, receipt] of Object.entries(message.receipt)) receipts.set(id, receipt);
    showReceipts();
  }
  if (message.status) {
    for (const [name, status] of Object.entries(message.status)) nodes.set(name, status);
    showNodes();
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    view.clear();
    receipts.clear();
    nodes.clear();
    showReceipts();
    element("connection").textContent = "live";
  };
  socket.onmessage = (event) =>
    typeof event.data === "string" ? handle(JSON.parse(event.data)) : showPicture(event.data);
  socket.onclose = () => {
    element("connection").textContent = "store is not running, trying again…";
    setTimeout(connect, 1000);
  };
}

showCarts([]);
showReceipts();
connect();
