// Asks the service as the organiser. The token stays in this tab and goes when it is closed.
const TOKEN = "kit-leaderboard-token";
const WHO = "kit-leaderboard-who";

export const organiser = {
  get who() {
    return sessionStorage.getItem(WHO) ?? "";
  },
  get known() {
    return sessionStorage.getItem(TOKEN) !== null;
  },
  enter(who, token) {
    sessionStorage.setItem(WHO, who);
    sessionStorage.setItem(TOKEN, token);
  },
  leave() {
    sessionStorage.removeItem(TOKEN);
  },
};

export class Refused extends Error {
  constructor(status, problem) {
    super(problem);
    this.status = status;
  }
}

export async function ask(path, { body, table } = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN) ?? ""}` };
  const options = { headers };
  if (body || table !== undefined) {
    options.method = "POST";
    headers["Content-Type"] = table === undefined ? "application/json" : "text/csv";
    options.body = table ?? JSON.stringify({ who: organiser.who, ...body });
  }
  const answer = await fetch(`/api/desk${path}`, options);
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, [problem.error, problem.fix].filter(Boolean).join(" · ") || answer.statusText);
}

export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

export async function download(path, name) {
  const blob = await (await ask(path)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
