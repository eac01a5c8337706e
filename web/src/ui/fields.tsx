import type { ComponentChildren } from "preact";
import { draft, type } from "../state/draft";
import { type FieldName, isRequired, type Purpose, schemaOf, typeOf } from "../state/request";

/** What is wrong with a field, beside it. */
export function Wrong({ id, messages }: { id: string; messages: string[] | undefined }) {
  if (!messages) return null;
  return (
    <p class="wrong" id={id}>
      {messages.join("; ")}
    </p>
  );
}

interface FieldProps {
  name: FieldName;
  label: string;
  purpose: Purpose;
  wrong: Partial<Record<FieldName, string[]>>;
  children?: ComponentChildren;
}

/** A field of the request. Its kind, its limits and what it says about itself are those of the API. */
export function RequestField({ name, label, purpose, wrong, children }: FieldProps) {
  const schema = schemaOf(name);
  const kind = typeOf(name);
  const id = "field-" + name.replace(".", "-");
  const common = {
    id,
    name,
    "aria-invalid": wrong[name] !== undefined,
    "aria-describedby": [id + "-hint", wrong[name] && id + "-wrong"].filter(Boolean).join(" "),
  };
  if (kind === "boolean") {
    return (
      <div class="field">
        <label class="check" for={id}>
          <input
            {...common}
            type="checkbox"
            checked={draft.value[name] === "true"}
            onChange={(event) => type(name, event.currentTarget.checked ? "true" : "")}
          />{" "}
          {label}
        </label>
        <Hint id={id} text={schema.description} />
        <Wrong id={id + "-wrong"} messages={wrong[name]} />
      </div>
    );
  }
  const text = {
    ...common,
    value: draft.value[name],
    required: purpose === "submit" && isRequired(name),
    autocomplete: "off",
    spellcheck: false,
    onInput: (event: { currentTarget: { value: string } }) => type(name, event.currentTarget.value),
  };
  const example = schema.examples?.[0] ?? schema.default;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {kind === "object" ? (
        <textarea {...text} rows={2} />
      ) : (
        <input
          {...text}
          {...(kind === "integer" && { type: "number", step: 1, min: schema.minimum, max: schema.maximum })}
          maxLength={schema.maxLength}
          placeholder={example === undefined ? undefined : String(example)}
        />
      )}
      <Hint id={id} text={schema.description}>
        {children}
      </Hint>
      <Wrong id={id + "-wrong"} messages={wrong[name]} />
    </div>
  );
}

function Hint({ id, text, children }: { id: string; text: string | undefined; children?: ComponentChildren }) {
  return (
    <p class="hint" id={id + "-hint"}>
      {text} {children}
    </p>
  );
}
