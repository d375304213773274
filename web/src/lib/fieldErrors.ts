// The server's validation errors beside the fields of a form.

/**
 * Sorts errors (dotted path → text) by the form's fields, which fieldOfPath names by
 * their paths in the API's request; those that belong to no field are returned as rest.
 */
export function sortErrors<Field extends string>(
  errors: Record<string, string>,
  fieldOfPath: Record<string, Field>,
): { fields: Partial<Record<Field, string>>; rest: string[] } {
  const fields: Partial<Record<Field, string>> = {};
  const rest: string[] = [];
  for (const [path, text] of Object.entries(errors)) {
    const field = fieldOfPath[path] ?? fieldOfPath[path.replace(/\.\d+(\.\w+)?$/, '')];
    if (field) fields[field] = text;
    else rest.push(path ? `${path}: ${text}` : text);
  }
  return { fields, rest };
}
