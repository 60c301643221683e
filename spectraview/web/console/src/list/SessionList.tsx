/** The page with the list of sessions. */

import { useEffect, useMemo, useRef } from 'react';
import type { ApiClient } from '../api/client';
import { useTexts } from '../i18n/texts';
import { useObserved } from '../ui/observable';
import { addressOfList } from '../ui/route';
import { ActivityReader } from './activity';
import { Filters } from './Filters';
import { filtersOf } from './filters';
import { SessionRow } from './SessionRow';
import { type ListState, SessionListing } from './sessions';

export function SessionList({ client, query }: { client: ApiClient; query: URLSearchParams }) {
  const texts = useTexts();
  const text = filtersOf(query).toString();
  const filters = useMemo(() => new URLSearchParams(text), [text]);
  const listing = useMemo(() => new SessionListing(client, filters), [client, filters]);
  const reader = useMemo(() => new ActivityReader(client), [client]);
  const state = useObserved(listing);

  useEffect(() => {
    document.title = `${texts.list.title} · ${texts.product}`;
  }, [texts]);
  useEffect(() => {
    listing.start();
    return () => listing.stop();
  }, [listing]);

  const total = new Intl.NumberFormat(texts.locale).format(state.total);
  return (
    <main id="content" className="list-page">
      <div className="list-head">
        <h1>{texts.list.title}</h1>
        <p role="status" className="muted">
          {state.isLoading && !state.sessions.length ? texts.list.loading : texts.list.count(total)}
        </p>
      </div>
      <Filters
        filters={filters}
        onFilters={(chosen) => {
          location.hash = addressOfList(chosen);
        }}
      />
      {state.isStale && <p className="notice">{texts.list.stale}</p>}
      {state.sessions.length > 0 && <Table state={state} reader={reader} />}
      <End state={state} isFiltered={filters.size > 0} onMore={() => void listing.loadMore()} />
    </main>
  );
}

function Table({ state, reader }: { state: ListState; reader: ActivityReader }) {
  const texts = useTexts().list;
  return (
    <table className="sessions">
      <thead>
        <tr>
          <th scope="col">{texts.user}</th>
          <th scope="col">{texts.page}</th>
          <th scope="col">{texts.ticket}</th>
          <th scope="col">{texts.started}</th>
          <th scope="col">{texts.duration}</th>
          <th scope="col">{texts.activity}</th>
          <th scope="col">{texts.signals}</th>
        </tr>
      </thead>
      <tbody>
        {state.sessions.map((session) => (
          <SessionRow key={session.sessionId} session={session} now={state.now} reader={reader} />
        ))}
      </tbody>
    </table>
  );
}

interface EndProps {
  state: ListState;
  isFiltered: boolean;
  onMore: () => void;
}

/** What stands below the rows; when it comes into view, the next page is read. */
function End({ state, isFiltered, onMore }: EndProps) {
  const texts = useTexts().list;
  const place = useRef<HTMLDivElement>(null);
  const more = useRef(onMore);
  more.current = onMore;
  const hasMore = state.cursor !== null && !state.isLoading && !state.failure;

  useEffect(() => {
    if (!place.current || !hasMore) return;
    const observer = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && more.current(),
      { rootMargin: '400px' },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [hasMore]);

  const isEmpty = !state.sessions.length && !state.isLoading;
  return (
    <div ref={place} className="list-end muted">
      {state.failure && (
        <p role="alert">
          {texts.failed} {state.failure.message}{' '}
          <button type="button" onClick={onMore}>
            {texts.retry}
          </button>
        </p>
      )}
      {!state.failure && state.isLoading && state.sessions.length > 0 && <p>{texts.more}</p>}
      {!state.failure && isEmpty && <h2>{isFiltered ? texts.noMatch : texts.empty}</h2>}
      {!state.failure && isEmpty && !isFiltered && <p>{texts.emptyHelp}</p>}
      {state.sessions.length > 0 && state.cursor === null && <p>{texts.end}</p>}
    </div>
  );
}
