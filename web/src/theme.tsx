/** Light, dark, or as the system has it. */
import { useEffect, useState } from "preact/hooks";

const THEMES = ["system", "light", "dark"] as const;
type Name = (typeof THEMES)[number];

function kept(): Name {
  try { return THEMES.find((name) => name === localStorage.getItem("plainwire-theme")) ?? "system"; } catch { return "system"; }
}

export function Theme() {
  const [theme, setTheme] = useState<Name>(kept);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("plainwire-theme", theme); } catch { /* a file:// page may have no storage */ }
  }, [theme]);
  return (
    <label class="theme"><span class="sr">Theme</span>
      <select value={theme} onChange={(event) => setTheme(event.currentTarget.value as Name)}>
        <option value="system">System</option><option value="light">Light</option><option value="dark">Dark</option>
      </select>
    </label>
  );
}
