/** What the parts of a bar mean. Gangs have the colours that the tables show, and those differ. */
export function Legend() {
  return (
    <ul class="legend">
      <li>Each bar is a node.</li>
      <li>
        <span class="swatch gangs" />
        gangs, each in its own colour
      </li>
      <li>
        <span class="swatch other" />
        other pods
      </li>
      <li>
        <span class="swatch aside" />
        set aside
      </li>
      <li>
        <span class="swatch free" />
        free
      </li>
      <li>
        <span class="crossed" aria-hidden="true">
          ╳
        </span>{" "}
        not ready
      </li>
      <li>
        <span class="crossed" aria-hidden="true">
          ╱
        </span>{" "}
        cordoned
      </li>
    </ul>
  );
}
