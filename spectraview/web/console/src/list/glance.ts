/** Reads what a row shows beyond what the list tells, when the row comes into view. */

import { type RefObject, useEffect, useRef, useState } from 'react';
import type { ListedSession } from '../api/models';
import type { ActivityReader, Glance } from './activity';

const PATIENCE = 250;

export function useGlance<Row extends Element>(
  session: ListedSession,
  reader: ActivityReader,
): [RefObject<Row | null>, Glance | null] {
  const place = useRef<Row>(null);
  const [glance, setGlance] = useState<Glance | null>(null);
  // A live session changes all the time: what is read once will do.
  const events = session.live ? 0 : session.eventCount;
  const { sessionId } = session;

  useEffect(() => {
    if (!place.current) return;
    let timer = 0;
    const observer = new IntersectionObserver(([entry]) => {
      clearTimeout(timer);
      if (!entry?.isIntersecting) return;
      timer = window.setTimeout(() => {
        observer.disconnect();
        reader.read(sessionId, events).then(setGlance);
      }, PATIENCE);
    });
    observer.observe(place.current);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [sessionId, events, reader]);

  return [place, glance];
}
