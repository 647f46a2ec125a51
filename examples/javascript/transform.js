// An interceptor: adds "total", price times quantity, to each order. An event per line comes in, an answer per line goes out.
import * as std from "qjs:std";

for (let line; (line = std.in.getline()) !== null; ) {
  const { payload } = JSON.parse(line);
  const answer = { payload: { ...payload, total: payload.price * payload.quantity }, headers: { "X-Transformed-By": "JavaScript" } };
  std.out.puts(JSON.stringify(answer) + "\n");
  std.out.flush();
}
