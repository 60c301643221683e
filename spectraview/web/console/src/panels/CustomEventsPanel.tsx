/** The custom events with their data. */

import { useTexts } from '../i18n/texts';
import type { PanelProps } from './Panels';
import { Rows } from './Rows';

export function CustomEventsPanel({ source, player }: PanelProps) {
  const texts = useTexts().panels;
  const rows = [...source.marks.customEvents].map(([key, event]) => {
    const { eventType, timestamp, ...data } = event;
    return {
      key,
      timestamp,
      kind: 'customEvent',
      title: <strong>{eventType}</strong>,
      more: Object.keys(data).length > 0 && (
        <details>
          <summary>{texts.data}</summary>
          <pre>{JSON.stringify(data, null, 2)}</pre>
        </details>
      ),
    };
  });
  return <Rows rows={rows} none={texts.none.customEvents} source={source} player={player} />;
}
