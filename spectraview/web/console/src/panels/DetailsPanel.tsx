/** The session's facts and metadata. */

import { useTexts } from '../i18n/texts';
import { clock, dateOf, megabytes, moment } from '../ui/format';
import type { PanelProps } from './Panels';

export function DetailsPanel({ source }: PanelProps) {
  const { locale, panels } = useTexts();
  const { session, totalBytes, start, end } = source.state;
  if (!session) return null;
  const number = new Intl.NumberFormat(locale);
  const { facts } = panels;
  const rows: [string, string | null][] = [
    [facts.id, session.sessionId],
    [facts.app, session.appId],
    [facts.user, session.userId],
    [facts.ticket, session.ticketId],
    [facts.started, moment(dateOf(session.startTime), locale)],
    [facts.duration, start !== null && end !== null ? clock(end - start) : null],
    [facts.events, number.format(Math.max(source.head, session.stats.totalEvents))],
    [facts.clicks, number.format(session.stats.clicks)],
    [facts.errors, number.format(Math.max(source.marks.errors.size, session.stats.errors))],
    [facts.size, totalBytes ? megabytes(totalBytes, locale) : null],
    [facts.expires, moment(new Date(session.expiresAt), locale)],
  ];
  return (
    <>
      <dl className="facts">
        {rows.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      <h2>{facts.metadata}</h2>
      <pre>{JSON.stringify(session.metadata, null, 2)}</pre>
    </>
  );
}
