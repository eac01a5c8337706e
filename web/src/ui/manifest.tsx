import { useState } from "preact/hooks";
import { manifest } from "../state/draft";

/** The most that the server takes. */
const mostBytes = 1 << 20;

/** Text of a manifest, typed, or read from a file that is chosen or dropped. */
export function ManifestField() {
  const [note, setNote] = useState("");
  const [over, setOver] = useState(false);
  const read = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > mostBytes) {
      setNote(`${file.name} has more than 1 MiB: the server takes no more`);
      return;
    }
    manifest.value = await file.text();
    setNote(`${file.name} is in the field`);
  };
  return (
    <div
      class={over ? "manifest over" : "manifest"}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void read(event.dataTransfer?.files[0]);
      }}
    >
      <label for="manifest">Manifest</label>
      <textarea
        id="manifest"
        class="mono"
        rows={16}
        required
        spellcheck={false}
        autocomplete="off"
        aria-describedby="manifest-hint"
        value={manifest.value}
        onInput={(event) => (manifest.value = event.currentTarget.value)}
      />
      <p class="hint" id="manifest-hint">
        Jobs, JobSets and pods, in YAML or JSON. A file can be dropped here.
      </p>
      <label>
        Read a file{" "}
        <input
          type="file"
          accept=".yaml,.yml,.json"
          onChange={(event) => {
            void read(event.currentTarget.files?.[0]);
            event.currentTarget.value = ""; // the same file can be read again after it was changed
          }}
        />
      </label>
      <p class="hint" role="status">
        {note}
      </p>
    </div>
  );
}
