// Keeps the counts fresh and buys without leaving the page. The page works without it.
"use strict";

const POLL_MS = 400;
const LOW = 5;
const notice = document.getElementById("notice");
const page = new URLSearchParams(location.search).get("page") || "1";
const cards = new Map([...document.querySelectorAll("[data-product]")].map((card) => [Number(card.dataset.product), card]));

function count(cell, number) {
  if (cell.textContent === String(number)) return;
  cell.textContent = number;
  cell.classList.remove("moved");
  void cell.offsetWidth; // starts the animation anew
  cell.classList.add("moved");
}

function show(product) {
  const card = cards.get(product.id);
  const quantity = card.querySelector(".quantity");
  count(quantity, product.quantity);
  quantity.classList.toggle("low", product.quantity <= LOW);
  count(card.querySelector(".ordered"), product.ordered);
  card.querySelector("h2").textContent = product.name;
  card.querySelector(".sku").textContent = product.sku || "no SKU";
  card.classList.toggle("gone", !product.on);
  const button = card.querySelector("button");
  button.disabled = !product.on;
  button.textContent = product.on ? "Buy" : "Sold out";
}

function say(text, bad) {
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
}

async function refresh() {
  const answer = await fetch("/stock.json?page=" + encodeURIComponent(page), { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { products } = await answer.json();
  if (products.length !== cards.size || products.some((product) => !cards.has(product.id))) location.reload(); // the shelves changed
  else products.forEach(show);
}

async function poll() {
  try {
    if (!document.hidden) await refresh();
  } catch {
    // The shop is down for a moment; the next turn asks again.
  }
  setTimeout(poll, POLL_MS);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.getAttribute("action") !== "/buy") return;
  event.preventDefault();
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch("/buy", { method: "POST", body, headers: { Accept: "application/json" } });
    const told = await answer.json();
    say(answer.ok ? `Thank you. Order ${told.order} is on its way.` : told.error, !answer.ok);
    await refresh();
  } catch {
    say("The shop does not answer; try again in a moment.", true);
  }
});

poll();
