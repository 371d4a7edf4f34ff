// Pictures of the page for people: each size in each theme.

import { DESKTOP, NARROW, PHONE, close, screenshot, withPage } from "./harness.mjs";

try {
  for (const theme of ["light", "dark"]) {
    for (const [name, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE, narrow: NARROW })) {
      console.log(await withPage({ theme, viewport }, (page) => screenshot(page, `${name}-${theme}`)));
    }
  }
} finally {
  await close();
}
