using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Likeness
{
    /// <summary>
    /// A JSON value as read: enough for the protocol's proto3 JSON. Missing members read as null, 0, false or "",
    /// as proto3 defines them. Depth and size are bounded.
    /// </summary>
    public sealed class Json
    {
        public const int MaxDepth = 32;
        public const int MaxLength = 4 * 1024 * 1024;
        private static readonly Json Missing = new Json(null);
        private readonly object _value;

        private Json(object value) { _value = value; }

        /// <summary>Reads one JSON text. Throws <see cref="ProtocolException"/> for anything else.</summary>
        public static Json Parse(string text)
        {
            if (text == null) throw new ProtocolException("no JSON text");
            if (text.Length > MaxLength) throw new ProtocolException("a JSON text of " + text.Length + " characters is too long");
            var reader = new Reader(text);
            Json value = reader.Value(0);
            reader.End();
            return value;
        }

        public bool Exists { get { return _value != null; } }

        public Json this[string name]
        {
            get
            {
                var map = _value as Dictionary<string, Json>;
                Json found;
                return map != null && map.TryGetValue(name, out found) ? found : Missing;
            }
        }

        public IReadOnlyList<Json> Items
        {
            get { return _value as List<Json> ?? (IReadOnlyList<Json>)Array.Empty<Json>(); }
        }

        public string Text { get { return _value as string ?? ""; } }
        public bool Bool { get { return _value is bool && (bool)_value; } }

        /// <summary>A number; proto3 JSON writes 64-bit integers as text.</summary>
        public double Number
        {
            get
            {
                if (_value is double) return (double)_value;
                double parsed;
                var text = _value as string;
                return text != null && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out parsed) ? parsed : 0;
            }
        }

        public long Long
        {
            get
            {
                long exact;
                var text = _value as string;
                if (text != null && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exact)) return exact;
                double n = Number;
                return n > -9.2e18 && n < 9.2e18 ? (long)n : 0;
            }
        }

        public int Int { get { long n = Long; return n > int.MaxValue || n < int.MinValue ? 0 : (int)n; } }
        public uint UInt { get { long n = Long; return n > uint.MaxValue || n < 0 ? 0 : (uint)n; } }

        /// <summary>Bytes of base64 text (standard or URL alphabet); empty when it is not base64.</summary>
        public byte[] Bytes
        {
            get
            {
                string t = Text.Replace('-', '+').Replace('_', '/');
                if (t.Length % 4 != 0) t = t.PadRight(t.Length + 4 - t.Length % 4, '=');
                try { return Convert.FromBase64String(t); }
                catch (FormatException) { return Array.Empty<byte>(); }
            }
        }

        /// <summary>Quotes a text for writing.</summary>
        public static string Quote(string text)
        {
            var b = new StringBuilder((text ?? "").Length + 2);
            b.Append('"');
            foreach (char c in text ?? "")
            {
                switch (c)
                {
                    case '"': b.Append("\\\""); break;
                    case '\\': b.Append("\\\\"); break;
                    case '\n': b.Append("\\n"); break;
                    case '\r': b.Append("\\r"); break;
                    case '\t': b.Append("\\t"); break;
                    default:
                        if (c < ' ') b.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                        else b.Append(c);
                        break;
                }
            }
            return b.Append('"').ToString();
        }

        private sealed class Reader
        {
            private readonly string _s;
            private int _i;
            internal Reader(string s) { _s = s; }

            internal Json Value(int depth)
            {
                if (depth > MaxDepth) throw Bad("nested too deeply");
                Space();
                if (_i >= _s.Length) throw Bad("ends early");
                char c = _s[_i];
                if (c == '{') return Object(depth);
                if (c == '[') return List(depth);
                if (c == '"') return new Json(String());
                if (c == 't') { Word("true"); return new Json(true); }
                if (c == 'f') { Word("false"); return new Json(false); }
                if (c == 'n') { Word("null"); return Missing; }
                return new Json(Number());
            }

            internal void End() { Space(); if (_i != _s.Length) throw Bad("goes on after its end"); }

            private Json Object(int depth)
            {
                var map = new Dictionary<string, Json>(StringComparer.Ordinal);
                _i++; Space();
                if (Take('}')) return new Json(map);
                while (true)
                {
                    Space();
                    if (_i >= _s.Length || _s[_i] != '"') throw Bad("has no name where one belongs");
                    string name = String();
                    Space();
                    if (!Take(':')) throw Bad("has no ':' after \"" + name + "\"");
                    map[name] = Value(depth + 1);
                    Space();
                    if (Take('}')) return new Json(map);
                    if (!Take(',')) throw Bad("has neither ',' nor '}'");
                }
            }

            private Json List(int depth)
            {
                var list = new List<Json>();
                _i++; Space();
                if (Take(']')) return new Json(list);
                while (true)
                {
                    list.Add(Value(depth + 1));
                    Space();
                    if (Take(']')) return new Json(list);
                    if (!Take(',')) throw Bad("has neither ',' nor ']'");
                }
            }

            private string String()
            {
                var b = new StringBuilder();
                _i++;
                while (true)
                {
                    if (_i >= _s.Length) throw Bad("has a text without an end");
                    char c = _s[_i++];
                    if (c == '"') return b.ToString();
                    if (c < ' ') throw Bad("has a control character in a text");
                    if (c != '\\') { b.Append(c); continue; }
                    if (_i >= _s.Length) throw Bad("has a text without an end");
                    c = _s[_i++];
                    switch (c)
                    {
                        case 'n': b.Append('\n'); break;
                        case 'r': b.Append('\r'); break;
                        case 't': b.Append('\t'); break;
                        case 'b': b.Append('\b'); break;
                        case 'f': b.Append('\f'); break;
                        case '"': case '\\': case '/': b.Append(c); break;
                        case 'u':
                            ushort code;
                            if (_i + 4 > _s.Length || !ushort.TryParse(_s.Substring(_i, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code))
                                throw Bad("has a bad \\u escape");
                            b.Append((char)code); _i += 4; break;
                        default: throw Bad("has a bad escape");
                    }
                }
            }

            private object Number()
            {
                int start = _i;
                while (_i < _s.Length && "+-0123456789.eE".IndexOf(_s[_i]) >= 0) _i++;
                double n;
                if (start == _i || !double.TryParse(_s.Substring(start, _i - start), NumberStyles.Float, CultureInfo.InvariantCulture, out n))
                    throw Bad("has something that is no value");
                return n;
            }

            private void Word(string word)
            {
                if (string.CompareOrdinal(_s, _i, word, 0, word.Length) != 0) throw Bad("has something that is no value");
                _i += word.Length;
            }

            private bool Take(char c) { if (_i < _s.Length && _s[_i] == c) { _i++; return true; } return false; }
            private void Space() { while (_i < _s.Length && " \t\r\n".IndexOf(_s[_i]) >= 0) _i++; }
            private ProtocolException Bad(string what) { return new ProtocolException("the JSON text " + what + " (character " + _i + ")"); }
        }
    }

    /// <summary>The other side sent something that the protocol does not allow.</summary>
    public sealed class ProtocolException : Exception
    {
        public ProtocolException(string message) : base(message) { }
    }
}
