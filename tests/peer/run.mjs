// Runs webernetes.mjs. The package leaves the ends of its own files' names to a bundler: here they
// are put back.

import { register } from "node:module";

const hooks = `
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!specifier.startsWith(".")) {
      throw error;
    }
    for (const end of [".js", "/index.js"]) {
      try {
        return await next(specifier + end, context);
      } catch {}
    }
    throw error;
  }
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
await import("./webernetes.mjs");
