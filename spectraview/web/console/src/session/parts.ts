/** Cuts the parts of a manifest at keyframes, so that the first picture has to wait for little. */

import type { Keyframe, Manifest, Part } from '../api/models';

const ENOUGH_BYTES = 2 * 1024 * 1024;

export function smallParts(manifest: Manifest): Part[] {
  return manifest.parts.flatMap((part) => split(part, manifest.keyframes));
}

function split(part: Part, keyframes: Keyframe[]): Part[] {
  const events = part.lastSequence - part.firstSequence + 1;
  // How the bytes lie in a part is not told: take them for spread evenly.
  const bytes = (first: number, next: number) => ((next - first) * part.sizeBytes) / events;
  const pieces: Part[] = [];
  let rest = part;
  for (const { sequence, timestamp } of keyframes) {
    if (sequence <= rest.firstSequence || sequence > part.lastSequence) continue;
    // The first piece is cut at the first keyframe that comes: it holds a full snapshot.
    const isFirst = pieces.length === 0 && part.sizeBytes > ENOUGH_BYTES;
    const sizeBytes = bytes(rest.firstSequence, sequence);
    if (sequence - rest.firstSequence < 3 || (!isFirst && sizeBytes < ENOUGH_BYTES)) continue;
    pieces.push({ ...rest, lastSequence: sequence - 1, endTimestamp: timestamp, sizeBytes });
    rest = { ...rest, firstSequence: sequence, startTimestamp: timestamp };
  }
  const sizeBytes = bytes(rest.firstSequence, part.lastSequence + 1);
  return [...pieces, { ...rest, sizeBytes }];
}
