// The service as the page sees it: a question goes out, events come back.

/** An answer of the server that is none: its status, its words, and where it said so when to ask again. */
export class Refused extends Error {
  constructor(status, error, retryAfter = 0) {
    super(error.message || `The server answered with status ${status}.`);
    this.name = "Refused";
    this.status = status;
    this.code = error.code || "";
    this.param = error.param || "";
    this.retryAfter = retryAfter;
  }
}

const authorized = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

/** Name of the model that is served. */
export async function modelName(token) {
  const response = await fetch("v1/models", { headers: authorized(token) });
  if (!response.ok) throw await refusal(response);
  const { data } = await response.json();
  return data?.[0]?.id ?? "";
}

/** The events of a search, `{type, data}`, until the answer; an `error` event is thrown. Aborting the signal ends it. */
export async function* solve(request, token, signal) {
  const response = await fetch("v1/solve", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream", ...authorized(token) },
    body: JSON.stringify({ ...request, stream: true }),
    signal,
  });
  if (!response.ok) throw await refusal(response);
  for await (const event of events(response.body)) {
    if (event.type === "error") throw new Refused(0, event.data.error ?? event.data);
    yield event;
    if (event.type === "answer") return;
  }
  throw new Refused(0, { message: "The connection ended before the answer came.", code: "cut" });
}

async function refusal(response) {
  const seconds = Number(response.headers.get("Retry-After")) || 0;
  const body = await response.json().catch(() => ({}));
  return new Refused(response.status, body.error ?? {}, seconds);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** One block of lines as an event; a comment that keeps the line open is none. */
function parsed(block) {
  let type = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") type = value;
    if (field === "data") data.push(value);
  }
  return data.length ? { type, data: JSON.parse(data.join("\n")) } : null;
}
