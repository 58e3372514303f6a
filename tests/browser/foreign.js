// What a page tries at a node: each way to read or to write that a browser has without an extension.
// Gives [{what, got}]: what was tried, and what the page could see of the answer ("" is nothing).
async ({ bases, blockId, token, own }) => {
  const tries = [];
  const within = (promise, ms) =>
    Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error("late")), ms))]);
  const attempt = (what, act) =>
    tries.push(
      within(act(), 5000).then(
        (got) => ({ what, got: String(got ?? "") }),
        () => ({ what, got: "" }),
      ),
    );
  const text = async (answer) =>
    answer.type === "opaque" ? "" : `${answer.status} ${await answer.text()}`;

  const reads = ["/", "/node/info", "/node/peers", "/node/discovered", "/node/status",
    "/node/storage", "/node/sync", "/node/history", "/network/health", "/metrics", "/pins",
    "/blacklist", "/blocks", `/blocks/${blockId}`, `/blocks/${blockId}/metadata`,
    "/events?since=0", "/observed"];
  const writes = [
    ["POST", "/blocks", "a block of a foreign page"],
    ["PUT", `/blocks/${blockId}`, "x"],
    ["DELETE", `/blocks/${blockId}`, null],
    ["POST", `/blocks/${blockId}/temperature`, '{"class":"VIRAL"}'],
    ["POST", `/blocks/${blockId}/location`, '{"held":false}'],
    ["PUT", `/blocks/${blockId}/pin`, ""],
    ["DELETE", `/blocks/${blockId}/pin`, null],
    ["POST", "/session", '{"code":"00"}'],
    ["POST", "/session/link", "{}"],
    ["DELETE", "/session", null],
    ["POST", "/blacklist", '{"address":"203.0.113.66"}'],
    ["DELETE", "/blacklist/203.0.113.9", null],
    ["POST", "/peers/announce", '{"address":"203.0.113.66","port":4242}'],
    ["POST", "/peers/disconnect", '{"nodeId":"00"}'],
    ["POST", "/sync/request", "{}"],
    ["POST", "/auth/challenge", "{}"],
    ["POST", "/auth/session", "{}"],
  ];

  for (const base of bases) {
    for (const path of reads) {
      for (const mode of own ? ["same-origin"] : ["cors", "no-cors"]) {
        attempt(`fetch ${mode} ${base}${path}`, async () =>
          text(await fetch(base + path, { mode, credentials: "include", cache: "no-store" })));
      }
    }
    for (const [method, path, body] of writes) {
      const simple = method === "POST";
      attempt(`fetch ${method} ${base}${path}`, async () =>
        text(await fetch(base + path, { method, body })));
      attempt(`fetch ${method} ${base}${path} with a token`, async () =>
        text(await fetch(base + path, {
          method, body, headers: { Authorization: `Bearer ${token}`,
            "Content-Type": "application/json" } })));
      if (simple) {
        attempt(`no-cors ${method} ${base}${path}`, async () =>
          text(await fetch(base + path, {
            method, body, mode: "no-cors", headers: { "Content-Type": "text/plain" } })));
        attempt(`beacon ${base}${path}`, async () => {
          navigator.sendBeacon(base + path, body);
          return "";
        });
        attempt(`form ${base}${path}`, () => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.name = `frame-${tries.length}`;
          document.body.append(frame);
          const form = document.createElement("form");
          Object.assign(form, {
            action: base + path, method: "POST", enctype: "text/plain", target: frame.name });
          const field = document.createElement("input");
          // {"address":"203.0.113.66","a":"="} as text/plain has it
          field.name = body.replace(/\}$/, ',"a":"');
          field.value = '"}';
          form.append(field);
          document.body.append(form);
          let sent = false;
          frame.onload = () => {
            if (!sent) return;
            try { done(frame.contentDocument.body.innerText); } catch { done(""); }
          };
          sent = true;
          form.submit();
        }));
      }
    }
    for (const path of ["/", "/node/info", "/page.js", "/metrics", `/blocks/${blockId}`]) {
      for (const tag of ["img", "script", "iframe", "object", "link"]) {
        attempt(`${tag} ${base}${path}`, () => new Promise((done) => {
          const element = document.createElement(tag);
          if (tag === "link") element.rel = "stylesheet";
          element.onerror = () => done("");
          element.onload = () => {
            if (tag === "img") done(`${element.naturalWidth} wide`);
            else if (tag === "iframe" || tag === "object") {
              try {
                done((element.contentDocument && element.contentDocument.body.innerText) || "");
              } catch { done(""); }
            } else done("loaded");
          };
          const name = { object: "data", link: "href" }[tag] || "src";
          element[name] = base + path;
          document.body.append(element);
        }));
      }
    }
    for (const path of ["/events", "/events?rooms=all", "/ws"]) {
      attempt(`socket ${base}${path}`, () => new Promise((done) => {
        const socket = new WebSocket(base.replace("http", "ws") + path);
        socket.onerror = () => done("");
        socket.onopen = () => {
          socket.send("{}");
          done("open");
          socket.close();
        };
      }));
    }
    attempt(`event source ${base}/events`, () => new Promise((done) => {
      const source = new EventSource(`${base}/events`);
      source.onerror = () => { source.close(); done(""); };
      source.onopen = () => { source.close(); done("open"); };
    }));
    attempt(`window ${base}/`, async () => {
      const opened = window.open(`${base}/node/info`);
      await new Promise((later) => setTimeout(later, 1000));
      try { return opened ? opened.document.body.innerText : ""; } catch { return ""; }
      finally { if (opened) opened.close(); }
    });
  }
  return Promise.all(tries);
}
