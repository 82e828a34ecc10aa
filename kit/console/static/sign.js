// Signing in and out, and what the page offers to whom.
import { t } from "./texts.js";

const find = (id) => document.getElementById(id);
const dialog = find("signing");
let role = null;
let again = () => {};

export function startSigning({ changed }) {
  again = changed;
  find("sign").addEventListener("click", () => (role === "operator" ? signOut() : askForToken()));
  find("signing-no").addEventListener("click", () => dialog.close());
  find("signing-form").addEventListener("submit", signIn);
  const address = new URL(location.href);
  if (address.searchParams.get("link") === "used") {
    address.searchParams.delete("link");
    history.replaceState(null, "", address);
    askForToken(t("sign_in.link_used"));
  }
}

export function showRole(now) {
  role = now;
  find("role").hidden = !role;
  find("role").textContent = role ? t(`role.${role}`) : "";
  find("sign").hidden = false;
  find("sign").textContent = t(role === "operator" ? "sign_out" : "sign_in");
}

export function askForToken(why = "") {
  tell(typeof why === "string" ? why : "");
  if (!dialog.open) dialog.showModal();
  find("token").focus();
}

async function signIn(event) {
  event.preventDefault();
  const field = find("token");
  const { ok, body } = await post("/sign-in", { token: field.value });
  if (ok) {
    dialog.close();
    again();
  } else if (body.error === "too_many") {
    tell(t("sign_in.too_many", { seconds: body.wait_s }));
  } else {
    tell(t({ wrong_token: "sign_in.wrong", foreign: "sign_in.foreign" }[body.error] ?? "sign_in.unreachable"));
  }
  field.value = "";
}

async function signOut() {
  await post("/sign-out", {});
  again();
}

async function post(path, content) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Kit-Console": "1" },
      body: JSON.stringify(content),
    });
    return { ok: answer.ok, body: await answer.json() };
  } catch {
    return { ok: false, body: {} };
  }
}

function tell(text) {
  find("signing-told").hidden = !text;
  find("signing-told").textContent = text;
}
