/** Takes out of recorded events what could run or fetch something in the console.
 *
 * The frame that shows them has no scripts and inherits the console's Content-Security-Policy,
 * which is what holds an attacker. This comes before: it also stops what no policy covers (early
 * connections, reloads), and keeps the browser from trying what the policy would refuse.
 */

import type { RecordedEvent } from '../api/models';
import { disarmCss } from './css';

// biome-ignore lint/suspicious/noExplicitAny: untrusted data of any shape.
type Untrusted = any;
type Attributes = Record<string, Untrusted>;

const DROPPED = new Set(
  `srcdoc srcset imagesrcset ping action formaction background manifest archive codebase classid
   code attributionsrc http-equiv autofocus autoplay rr_mediastate longdesc profile lowsrc dynsrc is`.split(
    /\s+/,
  ),
);
const INLINE_ONLY = new Set(['src', 'poster', 'data', 'rr_dataurl', 'rr_src']);
const LINKS = new Set(['href', 'xlink:href']);
const FRAMES = new Set(['iframe', 'frame', 'object', 'embed', 'portal', 'fencedframe', 'applet']);
const RENAMED = new Set(['base', 'object', 'embed', 'applet', 'portal', 'fencedframe']);
const INLINE = /^data:(?:image|audio|video|font)\//i;
const OPENABLE = /^(?:https?:|mailto:|tel:|#|\/|\?)/i;
const ANIMATIONS = new Set(['animate', 'set', 'animatetransform', 'animatemotion']);
const LARGEST = 10_000;

/** Make an event harmless, in place; return null for one that no player could read. */
export function disarm(event: RecordedEvent): RecordedEvent | null {
  if (typeof event?.type !== 'number' || typeof event.timestamp !== 'number') return null;
  const data = event.data;
  if (event.type === 2) return disarmNode(data?.node) && data.node.type === 0 ? event : null;
  if (event.type === 4) {
    if (!data) return null;
    data.width = pixels(data.width);
    data.height = pixels(data.height);
  }
  if (event.type === 3) return data && disarmIncrement(data) ? event : null;
  return event;
}

function pixels(value: Untrusted): number {
  return Math.min(LARGEST, Math.max(1, Number(value) || 1));
}

function disarmIncrement(data: Untrusted): boolean {
  switch (data.source) {
    case 0:
      return disarmMutation(data);
    case 1:
    case 6:
    case 12:
      return Array.isArray(data.positions) && data.positions.length > 0;
    case 7: // no film or sound is fetched, so none can play
      return false;
    case 8:
      for (const add of list(data.adds)) add.rule = cssOf(add.rule);
      if (typeof data.replace === 'string') data.replace = disarmCss(data.replace);
      if (typeof data.replaceSync === 'string') data.replaceSync = disarmCss(data.replaceSync);
      return true;
    case 10:
      if (!data.buffer) data.fontSource = cssOf(data.fontSource);
      return true;
    case 13:
      if (data.set) data.set.value = cssOf(data.set.value);
      return true;
    case 15:
      for (const style of list(data.styles)) {
        for (const rule of list(style.rules)) rule.rule = cssOf(rule.rule);
      }
      return true;
    default:
      return typeof data.source === 'number';
  }
}

function disarmMutation(data: Untrusted): boolean {
  for (const name of ['adds', 'removes', 'texts', 'attributes']) data[name] = list(data[name]);
  data.adds = data.adds.filter((add: Untrusted) => disarmNode(add.node));
  for (const change of data.attributes) {
    if (change.attributes) disarmAttributes('', change.attributes, false);
  }
  return true;
}

/** Walk a tree without recursion: a hostile one may be deeper than the stack. */
function disarmNode(root: Untrusted): boolean {
  if (!root || typeof root !== 'object') return false;
  const waiting: Untrusted[] = [root];
  while (waiting.length) {
    const node = waiting.pop();
    if (node.type === 2) disarmElement(node);
    else if (node.type === 3 && node.isStyle) node.textContent = cssOf(node.textContent);
    if (node.type !== 0 && node.type !== 2) continue;
    node.childNodes = list(node.childNodes);
    for (const child of node.childNodes) waiting.push(child);
  }
  return true;
}

function disarmElement(node: Untrusted): void {
  node.tagName = String(node.tagName);
  const tag = node.tagName.toLowerCase();
  node.attributes = node.attributes && typeof node.attributes === 'object' ? node.attributes : {};
  // A link without its style sheet in it can only fetch or connect, and so can one that gets its
  // address later. rrweb makes a style element of the others.
  if (tag === 'link' && typeof node.attributes._cssText !== 'string') node.tagName = 'rr-link';
  if (RENAMED.has(tag)) node.tagName = `rr-${tag}`;
  if (tag === 'script') node.tagName = tag; // rrweb makes it a noscript, if it is written like this
  if (tag === 'style') {
    for (const child of list(node.childNodes)) {
      if (child.type === 3) child.textContent = cssOf(child.textContent);
    }
  }
  disarmAttributes(tag, node.attributes, node.isSVG === true);
}

function disarmAttributes(tag: string, attributes: Attributes, svg: boolean): void {
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    const lower = name.toLowerCase();
    if (lower.startsWith('on') || DROPPED.has(lower)) attributes[name] = null;
    else if (INLINE_ONLY.has(lower)) {
      if (FRAMES.has(tag) || !INLINE.test(String(value))) attributes[name] = null;
    } else if (LINKS.has(lower)) {
      if (!isHarmlessLink(tag, String(value), svg)) attributes[name] = null;
    } else if (ANIMATIONS.has(tag) && /:/.test(String(value))) attributes[name] = null;
    else if (lower === 'style' && value && typeof value === 'object') disarmStyle(value);
    else if (typeof value === 'string' && (lower === '_csstext' || /url\(|@import/i.test(value)))
      attributes[name] = disarmCss(value);
  }
}

/** A link's address shows only by its colour; a shape's address is drawn. */
function isHarmlessLink(tag: string, value: string, svg: boolean): boolean {
  if (value.startsWith('#')) return true;
  if (svg && tag !== 'a') return INLINE.test(value);
  // Without a tag an attribute changes: what could fetch by it was renamed, or the policy stops it.
  return tag === 'a' || tag === 'area' || tag === '' ? OPENABLE.test(value.trim()) : false;
}

function disarmStyle(style: Attributes): void {
  for (const [name, value] of Object.entries(style)) {
    if (typeof value === 'string') style[name] = disarmCss(value);
    else if (Array.isArray(value)) style[name] = [cssOf(value[0]), value[1]];
  }
}

function cssOf(value: Untrusted): string {
  return typeof value === 'string' ? disarmCss(value) : '';
}

function list(value: Untrusted): Untrusted[] {
  return Array.isArray(value) ? value.filter((item) => item && typeof item === 'object') : [];
}
