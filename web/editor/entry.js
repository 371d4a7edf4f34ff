// The YAML editor: CodeMirror 6 behind five functions.
//
// The page loads this module after its first paint and does without it when it cannot be loaded.
// It knows nothing of Kubernetes: text goes out by `onChange`, marks come in by `setDiagnostics` and
// `setLit`. Colours come from the page's CSS custom properties, so a change of theme needs no call.
//
// CodeMirror would write its styles into a `<style>` element, which the page's
// Content-Security-Policy forbids (`style-src 'self'`). A constructed style sheet is allowed, so
// `StyleModule.mount` is replaced by one that fills such a sheet.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
  syntaxTree,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics as setLint } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import {
  Annotation,
  EditorState,
  Prec,
  RangeSetBuilder,
  StateEffect,
  StateField,
} from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  ViewPlugin,
  WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { StyleModule } from "style-mod";

const sheet = new CSSStyleSheet();
const mounted = [];
StyleModule.mount = (root, modules) => {
  for (const module of [modules].flat()) {
    if (!mounted.includes(module)) mounted.push(module);
  }
  sheet.replaceSync(mounted.map((module) => module.getRules()).join("\n"));
  if (!root.adoptedStyleSheets.includes(sheet)) {
    root.adoptedStyleSheets = [sheet, ...root.adoptedStyleSheets];
  }
};

/** Marks a change that the page made itself, so that it is not reported back to it. */
const fromPage = Annotation.define();

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--c-key)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--c-str)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--c-dim)", fontStyle: "italic" },
  {
    tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace, tags.meta],
    color: "var(--c-dim)",
  },
  { tag: [tags.keyword, tags.labelName, tags.typeName], color: "var(--c-num)" },
]);

/** The grammar does not tell numbers from other plain scalars; this does, for what is in view. */
const numbers = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.decorations = this.find(view);
    }
    update(update) {
      if (
        update.docChanged ||
        update.viewportChanged ||
        syntaxTree(update.startState) !== syntaxTree(update.state)
      ) {
        this.decorations = this.find(update.view);
      }
    }
    find(view) {
      const builder = new RangeSetBuilder();
      for (const { from, to } of view.visibleRanges) {
        syntaxTree(view.state).iterate({
          from,
          to,
          enter: (node) => {
            if (node.name !== "Literal" || node.node.parent?.name === "Key") return;
            if (/^[-+]?[0-9][0-9_.:]*$/.test(view.state.sliceDoc(node.from, node.to))) {
              builder.add(node.from, node.to, numberMark);
            }
          },
        });
      }
      return builder.finish();
    }
  },
  { decorations: (plugin) => plugin.decorations },
);
const numberMark = Decoration.mark({ class: "cm-number" });

/** The word at the end of a lit line: `DNAT`, `hop 2`. */
class Tag extends WidgetType {
  constructor(text, kind) {
    super();
    this.text = text;
    this.kind = kind;
  }
  eq(other) {
    return other.text === this.text && other.kind === this.kind;
  }
  toDOM() {
    const tag = document.createElement("span");
    tag.className = `tag ${this.kind}`;
    tag.textContent = this.text;
    return tag;
  }
  ignoreEvent() {
    return true;
  }
}

const litEffect = StateEffect.define();
const lit = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(litEffect)) next = decorate(transaction.state.doc, effect.value);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function decorate(doc, lines) {
  const ranges = [];
  for (const { line, kind, tag } of lines) {
    if (line < 1 || line > doc.lines) continue;
    const at = doc.line(line);
    ranges.push(Decoration.line({ class: `lit ${kind}` }).range(at.from));
    if (tag) ranges.push(Decoration.widget({ widget: new Tag(tag, kind), side: 1 }).range(at.to));
  }
  return Decoration.set(ranges, true);
}

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "transparent", fontSize: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "18px" },
  ".cm-content": { padding: "2px 0 24px", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 8px 0 2px", position: "relative" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "1.5px" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink-3)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": {
    minWidth: "20px",
    padding: "0 2px 0 0",
    fontSize: "var(--t-1)",
  },
  ".cm-foldGutter .cm-gutterElement": { width: "11px", padding: "0", textAlign: "center" },
  ".cm-gutter-lint": { width: "9px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 0 0 2px" },
  ".cm-lint-marker": { width: "8px", height: "18px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--guest-2)" },
  ".cm-selectionMatch": { backgroundColor: "var(--dnat-2)" },
  ".cm-number": { color: "var(--c-num)" },
  ".cm-number span": { color: "inherit" },
  ".cm-foldPlaceholder": {
    backgroundColor: "var(--panel-2)",
    border: "1px solid var(--line-2)",
    color: "var(--ink-2)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--panel)",
    color: "var(--ink)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--r-1)",
    fontFamily: "var(--font)",
    maxWidth: "min(360px, 90vw)",
  },
  ".cm-diagnostic": { padding: "4px 8px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--guest)" },
  ".cm-panels": {
    backgroundColor: "var(--panel-2)",
    color: "var(--ink)",
    fontFamily: "var(--font)",
  },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-textfield": {
    backgroundColor: "var(--panel)",
    color: "var(--ink)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--r-1)",
    fontSize: "var(--t-2)",
  },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--panel)",
    color: "var(--ink)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--r-1)",
    fontSize: "var(--t-2)",
  },
  ".cm-panel.cm-search label": { fontSize: "var(--t-2)" },
  ".cm-panel.cm-search [name=close]": { color: "var(--ink)", fontSize: "16px" },
  ".cm-searchMatch": { backgroundColor: "var(--dnat-2)", outline: "1px solid var(--dnat)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--guest-2)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--guest-2)" },
});

/** A place of the engine (line and column from 1, columns in code points) as an offset. */
function offset(doc, line, column) {
  if (line < 1) return 0;
  if (line > doc.lines) return doc.length;
  const at = doc.line(line);
  let units = 0;
  let left = column - 1;
  for (const character of at.text) {
    if (left-- <= 0) break;
    units += character.length;
  }
  return at.from + units;
}

/**
 * Puts an editor into `host`.
 *
 * @param {Element} host
 * @param {{text: string, label: string, readOnly: boolean, onChange: (text: string) => void,
 *          onLine: (line: number) => void, onSend: () => void}} options
 *   `onLine` gets the line that the pointer or the cursor points at, from 1; 0 when it is none.
 */
export function mount(host, { text, label, readOnly, onChange, onLine, onSend }) {
  let hovered = 0;
  let cursor = 0;
  let told = 0;
  const tell = () => {
    const line = hovered || cursor;
    if (line === told) return;
    told = line;
    onLine(line);
  };

  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: text,
      extensions: [
        EditorState.readOnly.of(readOnly),
        Prec.highest(
          keymap.of([
            {
              key: "Mod-Enter",
              run: () => {
                onSend();
                return true;
              },
            },
          ]),
        ),
        lintGutter({ hoverTime: 200 }),
        lineNumbers(),
        foldGutter({ openText: "▾", closedText: "▸" }),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("  "),
        bracketMatching(),
        highlightSelectionMatches(),
        search({ top: true }),
        yaml(),
        syntaxHighlighting(colours),
        numbers,
        lit,
        theme,
        keymap.of([
          ...defaultKeymap,
          ...historyKeymap,
          ...foldKeymap,
          ...searchKeymap,
          ...lintKeymap,
        ]),
        EditorView.contentAttributes.of({
          "aria-label": label,
          tabindex: "0",
          autocapitalize: "off",
          autocorrect: "off",
          spellcheck: "false",
        }),
        EditorView.updateListener.of((update) => {
          if (
            update.docChanged &&
            !update.transactions.some((transaction) => transaction.annotation(fromPage))
          ) {
            onChange(update.state.doc.toString());
          }
          if (update.selectionSet || update.focusChanged) {
            const { state } = update;
            const line = state.doc.lineAt(state.selection.main.head).number;
            cursor = update.view.hasFocus ? line : 0;
            tell();
          }
        }),
        EditorView.domEventHandlers({
          mousemove(event, editor) {
            const at = editor.posAtCoords({ x: event.clientX, y: event.clientY });
            hovered = at === null ? 0 : editor.state.doc.lineAt(at).number;
            tell();
          },
          mouseleave() {
            hovered = 0;
            tell();
          },
        }),
      ],
    }),
  });

  return {
    setText(next) {
      const { doc } = view.state;
      const old = doc.toString();
      if (old === next) return;
      // Only what differs is replaced: a fix is one step of undo, and the cursor stays where it was.
      const shortest = Math.min(old.length, next.length);
      let head = 0;
      while (head < shortest && old[head] === next[head]) head += 1;
      let tail = 0;
      while (tail < shortest - head && old[old.length - 1 - tail] === next[next.length - 1 - tail]) tail += 1;
      const isSame = (head + tail) * 2 > shortest;
      view.dispatch({
        changes: { from: head, to: old.length - tail, insert: next.slice(head, next.length - tail) },
        ...(isSame ? {} : { selection: { anchor: 0 }, scrollIntoView: true }),
        annotations: fromPage.of(true),
      });
    },
    setDiagnostics(list) {
      const { doc } = view.state;
      const found = list.map((item) => {
        const from = offset(doc, item.line, item.column);
        let to = Math.max(from, offset(doc, item.endLine, item.endColumn));
        if (to === from) to = Math.min(doc.length, from + 1);
        return { from: Math.min(from, to), to, severity: item.severity, message: item.message };
      });
      view.dispatch(setLint(view.state, found));
    },
    setLit(lines) {
      view.dispatch({ effects: litEffect.of(lines) });
    },
    goTo(line, column) {
      const at = offset(view.state.doc, line, column);
      view.dispatch({
        selection: { anchor: at },
        effects: EditorView.scrollIntoView(at, { y: "center" }),
      });
      view.focus();
    },
    reveal(line) {
      if (line < 1 || line > view.state.doc.lines) return;
      const at = view.state.doc.line(line).from;
      view.dispatch({ effects: EditorView.scrollIntoView(at, { y: "nearest", yMargin: 36 }) });
    },
    destroy() {
      view.destroy();
    },
  };
}
