import { element } from '../../frame/element.ts';

/** How each picture came about. */
export function how(): HTMLElement {
  return element(
    'details',
    { class: 'how' },
    element('summary', {}, 'What is computed where'),
    element(
      'ul',
      {},
      ...[
        'Pairs: 64 random queries and keys, 4 query heads that share a key/value head, head dim 64. q and kv count from 0.',
        'Scores: q · k / 8, then your functions by their CPU twin, the same graph that the WGSL is printed from.',
        'Weights: the fused kernel on your GPU. Its values are the identity matrix, so its output is the softmax weights themselves.',
        '“GPU against CPU” is the largest difference between those weights and the softmax of the twin’s scores.',
        'Blocks and time: the same functions over as many tokens as you choose, the better of two runs.',
        'Your text is never run as JavaScript: heed reads the functions and compiles them. A link from a stranger is safe to open.',
      ].map((text) => element('li', {}, text)),
    ),
  );
}
