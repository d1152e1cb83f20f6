import { encode } from 'uqr';
import { html, type Part } from '../../../html/html.ts';

/** White modules around it, without which readers do not find it. */
const BORDER = 4;

/** A QR code as a picture in the page itself: black on white in every scheme, since some readers know no other. @param label what it is, in words */
export function qrCode(text: string, label: string): Part {
  const { data, size } = encode(text, { ecc: 'M', border: BORDER });
  return html`<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label="${label}" focusable="false" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path fill="#000" d="${data.map(rowOf).join('')}"/></svg>
`;
}

/** The black modules of a row, those beside each other as one. */
function rowOf(modules: readonly boolean[], y: number): string {
  const text = modules.map((isBlack) => (isBlack ? '1' : '0')).join('');
  return [...text.matchAll(/1+/g)].map(({ index, 0: { length } }) => `M${index} ${y}h${length}v1h-${length}z`).join('');
}
