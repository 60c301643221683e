/** What narrows the list. */

import { useEffect, useState } from 'react';
import { useTexts } from '../i18n/texts';
import { Icon } from '../ui/icons';
import { changed, FIELDS, type Filter, INPUT_TYPES, SWITCHES } from './filters';

const TYPING_MILLISECONDS = 300;

interface Props {
  filters: URLSearchParams;
  onFilters: (filters: URLSearchParams) => void;
}

export function Filters({ filters, onFilters }: Props) {
  const texts = useTexts().list;
  const used = FIELDS.filter((name) => filters.has(name)).length;
  const [isOpen, setOpen] = useState(used > 0);
  const change = (name: Filter, value: string) => onFilters(changed(filters, name, value));
  return (
    <search className="filters">
      <div className="filter-row">
        <div className="search">
          <Icon name="search" />
          <TypedField
            id="q"
            type="search"
            label={texts.search}
            value={filters.get('q') ?? ''}
            onValue={(value) => change('q', value)}
          />
        </div>
        <Switches filters={filters} onChange={change} />
        <button
          type="button"
          className="chip"
          aria-expanded={isOpen}
          aria-controls="more-filters"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="filter" /> {texts.filters}
          {used > 0 && <span className="badge">{used}</span>}
        </button>
        {filters.size > 0 && (
          <button type="button" className="link" onClick={() => onFilters(new URLSearchParams())}>
            {texts.clear}
          </button>
        )}
      </div>
      <div id="more-filters" className="filter-fields" hidden={!isOpen}>
        <Fields filters={filters} onChange={change} />
      </div>
    </search>
  );
}

interface PartProps {
  filters: URLSearchParams;
  onChange: (name: Filter, value: string) => void;
}

function Switches({ filters, onChange }: PartProps) {
  const texts = useTexts().list;
  const labels = {
    live: texts.live,
    hasErrors: texts.errors,
    hasRageClicks: texts.rageClicks,
    hasDeadClicks: texts.deadClicks,
  };
  return SWITCHES.map((name) => {
    const isOn = filters.get(name) === 'true';
    return (
      <button
        key={name}
        type="button"
        className={`chip ${name}`}
        aria-pressed={isOn}
        onClick={() => onChange(name, isOn ? '' : 'true')}
      >
        {labels[name]}
      </button>
    );
  });
}

function Fields({ filters, onChange }: PartProps) {
  const texts = useTexts().list;
  const labels = {
    appId: texts.app,
    userId: texts.user,
    ticketId: texts.ticket,
    customEvent: texts.customEvent,
    from: texts.from,
    to: texts.to,
    minDuration: texts.minDuration,
  };
  return FIELDS.map((name) => (
    <div key={name} className="field">
      <label htmlFor={name}>{labels[name]}</label>
      <TypedField
        id={name}
        type={INPUT_TYPES[name] ?? 'text'}
        value={filters.get(name) ?? ''}
        onValue={(value) => onChange(name, value)}
      />
    </div>
  ));
}

interface TypedProps {
  id: string;
  type: string;
  label?: string;
  value: string;
  onValue: (value: string) => void;
}

/** A field whose value counts when the typing pauses. */
function TypedField({ id, type, label, value, onValue }: TypedProps) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the pause.
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => onValue(typed), TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      id={id}
      type={type}
      min={type === 'number' ? 0 : undefined}
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}
