// An app: a small shop whose cart lives as long as the guest. A request per line comes in, an answer per line goes out.
import * as std from "qjs:std";

const prices = new Map([["tea", 4], ["cake", 6]]);
const cart = [];

function answer({ method, path, body }) {
  if (method === "GET" && path === "/cart") {
    return { body: { cart, total: cart.reduce((sum, { item, count }) => sum + prices.get(item) * count, 0) } };
  }
  if (method === "POST" && path === "/cart") {
    const { item, count = 1 } = body ?? {};
    if (!prices.has(item)) return { status: 422, body: { error: `no such item, there are: ${[...prices.keys()].join(", ")}` } };
    cart.push({ item, count });
    return { status: 201, body: { items: cart.length } };
  }
  return { status: 404, bodyText: "no such page\n" };
}

for (let line; (line = std.in.getline()) !== null; ) {
  const request = JSON.parse(line);
  std.out.puts(JSON.stringify({ id: request.id, ...answer(request) }) + "\n");
  std.out.flush();
}
