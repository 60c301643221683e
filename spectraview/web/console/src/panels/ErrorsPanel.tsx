/** The page's errors with their stacks. */

import { useTexts } from '../i18n/texts';
import type { PanelProps } from './Panels';
import { Rows } from './Rows';

export function ErrorsPanel({ source, player }: PanelProps) {
  const texts = useTexts().panels;
  const rows = [...source.marks.errors].map(([key, error]) => ({
    key,
    timestamp: error.timestamp,
    kind: 'error',
    title: (
      <>
        <strong>{error.type}</strong> <span>{error.message}</span>
      </>
    ),
    more: error.stack && (
      <details>
        <summary>{texts.stack}</summary>
        <pre>{error.stack}</pre>
      </details>
    ),
  }));
  return <Rows rows={rows} none={texts.none.errors} source={source} player={player} />;
}
