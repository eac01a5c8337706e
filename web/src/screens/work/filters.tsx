import { filter } from "../../state/route";
import { noQueue, type Selection } from "../../state/select";

interface Props {
  selection: Selection;
  namespaces: string[];
  queues: string[];
}

/** Chooses what is shown of the gangs. All of it is in the address, so that a link shows others the same. */
export function Filters({ selection, namespaces, queues }: Props) {
  return (
    <form class="filters" role="search" aria-label="Gangs" onSubmit={(event) => event.preventDefault()}>
      <Choice name="namespace" label="Of namespace" value={selection.namespace} options={namespaces.map((name) => [name, name])} />
      <Choice
        name="queue"
        label="Queue"
        value={selection.queue}
        options={queues.map((name) => [name, name === noQueue ? "none named" : name])}
      />
      <Choice
        name="state"
        label="State"
        value={selection.state}
        options={[
          ["waits", "waits"],
          ["runs", "runs"],
        ]}
      />
      <label>
        Text
        <input
          type="search"
          value={selection.text}
          placeholder="name or reason"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => filter("text", event.currentTarget.value)}
        />
      </label>
    </form>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  value: string;
  options: [string, string][];
}

function Choice({ name, label, value, options }: ChoiceProps) {
  // What the address names is there to choose even if no gang has it now.
  const known = value === "" || options.some(([option]) => option === value);
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => filter(name, event.currentTarget.value)}>
        <option value="">all</option>
        {!known && <option value={value}>{value}</option>}
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
