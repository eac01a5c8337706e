import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

interface Tab<Name extends string> {
  name: Name;
  title: string;
}

/** Tabs of which one is shown. Arrow keys go from one to the next, as in the ARIA pattern. */
export function Tabs<Name extends string>(props: {
  label: string;
  tabs: Tab<Name>[];
  shown: Name;
  show: (name: Name) => void;
  children: ComponentChildren;
}) {
  const list = useRef<HTMLDivElement>(null);
  const go = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { tabs } = props;
    const at = tabs.findIndex((tab) => tab.name === props.shown);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    props.show(next.name);
    list.current?.querySelector<HTMLElement>("#tab-" + next.name)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={props.label} ref={list} onKeyDown={go}>
        {props.tabs.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={"tab-" + name}
            aria-selected={name === props.shown}
            aria-controls="tabpanel"
            tabIndex={name === props.shown ? 0 : -1}
            onClick={() => props.show(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tabpanel" aria-labelledby={"tab-" + props.shown}>
        {props.children}
      </div>
    </>
  );
}
