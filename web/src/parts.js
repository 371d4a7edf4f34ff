// Brings the second part of the page's WebAssembly (docs/size.md). The release build writes where
// it is into the page's head; without that there is one part only and nothing to bring.

let first;
let isThere = false;

let tellWhole;
const whole = new Promise((resolve) => {
  tellWhole = resolve;
});

let tellDrawn;
const firstDrawn = new Promise((resolve) => {
  tellDrawn = resolve;
});

const notice = document.createElement("p");
notice.setAttribute("role", "alert");
const tellFailure = (error) => {
  notice.textContent = `A part of Lobby did not arrive. Load the page again. (${error})`;
  document.body.prepend(notice);
};

// Where the rest is.
const meta = document.querySelector('meta[name="lobby:rest"]');
const url = meta && new URL(meta.content, document.baseURI);

// A frame without an origin of its own has no workers, and says so by an exception.
const hasWorker = () => {
  try {
    return Boolean(navigator.serviceWorker?.controller);
  } catch {
    return false;
  }
};

// The style sheets of panels that the rest's code draws, each put where its name stands.
const bringSheets = () =>
  Promise.all(
    Array.from(document.querySelectorAll('meta[name="lobby:sheet"]'), (sheet) => {
      const link = document.createElement("link");
      const arrived = new Promise((resolve) => {
        link.onload = resolve;
        link.onerror = resolve;
      });
      link.rel = "stylesheet";
      link.href = sheet.content;
      sheet.replaceWith(link);
      return arrived;
    }),
  );

// Where a service worker keeps the lab, the rest is at hand, and comes before the start: a request
// that waits does not ask the worker, and would need the network. An embed shows what its address says,
// not what opening was watched with (tests/browser/opening.mjs): it would wait for the rest anyway.
const atHand =
  url && (hasWorker() || new URLSearchParams(location.search).has("embed"))
    ? await WebAssembly.compileStreaming(fetch(url)).catch(() => undefined)
    : undefined;
if (atHand) {
  await bringSheets();
}

// One part is whole. While the build watches what opening takes, what waits for the rest does not
// begin.
if (!url && !document.querySelector('meta[name="lobby:marked"]')) {
  tellWhole();
}

// A pointer that passes over the page is no reason to wait: what it would light up can be lit a
// moment later. Clicks and keys are, and go through.
const PASSING = ["move", "over", "out", "enter", "leave"].flatMap((how) => [
  `pointer${how}`,
  `mouse${how}`,
]);
const stop = (event) => event.stopImmediatePropagation();
const heedPointer = (heeded) => {
  for (const name of PASSING) {
    if (heeded) {
      removeEventListener(name, stop, true);
    } else {
      addEventListener(name, stop, true);
    }
  }
};

// Instantiated, the rest fills its places in the first part's table and memory: at once, so never
// half of it.
const fill = (rest) => {
  if (!isThere) {
    isThere = true;
    new WebAssembly.Instance(rest, { first });
    heedPointer(true);
    notice.remove();
    performance.mark("lobby:rest");
    tellWhole();
  }
};

/** Keeps the exports of the first part, and fetches the rest once the page was painted. */
export function fetch_rest_after_paint(exports) {
  first = exports;
  if (!url) {
    return;
  }
  if (atHand) {
    fill(atHand);
    return;
  }
  heedPointer(false);
  const bring = async () => {
    try {
      const [rest] = await Promise.all([WebAssembly.compileStreaming(fetch(url)), bringSheets()]);
      // It takes its moment: not while the first picture is being drawn.
      await firstDrawn;
      fill(rest);
    } catch (error) {
      // Half of the panels are missing now. Whoever needs the rest tries again.
      tellFailure(error);
    }
  };
  // The first paint itself says when it was. Where none is told, a while is long enough.
  const late = setTimeout(bring, 3000);
  const paints = new PerformanceObserver((list) => {
    if (list.getEntriesByName("first-contentful-paint").length > 0) {
      paints.disconnect();
      clearTimeout(late);
      bring();
    }
  });
  paints.observe({ type: "paint", buffered: true });
}

/** Says that the first picture is drawn. */
export function drawn() {
  performance.mark("lobby:drawn");
  tellDrawn();
}

/** Calls back in a task of its own once all of the page's code is there; never, where the rest does
 * not arrive. */
export function when_whole(callback) {
  whole.then(() => soon(callback));
}

/** Calls back in a task of its own. A message, as timers wait where a window is in the background. */
export function soon(callback) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(undefined);
}

/** Calls back after so many paints; where there are none, after a while each. */
export function after_paints(count, callback) {
  if (count === 0) {
    callback();
    return;
  }
  let isDue = true;
  const next = () => {
    if (isDue) {
      isDue = false;
      soon(() => after_paints(count - 1, callback));
    }
  };
  requestAnimationFrame(next);
  setTimeout(next, 500);
}

/** Fetches the rest while everything waits. Called by the first part, in the middle of its work. */
export function fetch_rest_and_wait() {
  performance.mark("lobby:waited");
  try {
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    // Bytes as characters: a request that waits gives nothing else.
    request.overrideMimeType("text/plain; charset=x-user-defined");
    request.send();
    if (request.status !== 200) {
      throw new Error(`status ${request.status}`);
    }
    const bytes = Uint8Array.from(request.responseText, (character) => character.charCodeAt(0));
    fill(new WebAssembly.Module(bytes));
  } catch (error) {
    tellFailure(error);
    throw error;
  }
}
