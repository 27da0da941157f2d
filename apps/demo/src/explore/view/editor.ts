import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import type { Diagnostic } from '../program/compiled-program.ts';

/** The editor of the Explore room. */
export interface Editor {
  readonly element: HTMLElement;
  readonly text: () => string;
  readonly setText: (text: string) => void;
  readonly show: (diagnostic: Diagnostic | undefined) => void;
}

/** Creates a TypeScript editor. Tab moves the focus, as everywhere on the page. */
export function createEditor(text: string, changed: () => void): Editor {
  const extensions = [
    lineNumbers(),
    lintGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    highlightActiveLine(),
    javascript({ typescript: true }),
    syntaxHighlighting(classHighlighter),
    keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      tabindex: '0',
      'aria-label': 'Score and mask functions, in TypeScript',
      'aria-describedby': 'editor-message',
      autocapitalize: 'off',
    }),
    EditorView.updateListener.of(({ docChanged }) => {
      if (docChanged) changed();
    }),
  ];
  const view = new EditorView({ state: EditorState.create({ doc: text, extensions }) });
  return {
    element: view.dom,
    text: () => view.state.doc.toString(),
    setText: (next) =>
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }),
    show: (diagnostic) => {
      const found = diagnostic ? [{ ...diagnostic, severity: 'error' as const }] : [];
      view.dispatch(setDiagnostics(view.state, found));
    },
  };
}
