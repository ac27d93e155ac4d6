using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// The mark in the world: "GEN - Albert Einstein - driven by: text". It faces the camera and stays in view.
    /// There is no way to hide it; an avatar whose mark is gone is not drawn. A stream that is not what the server
    /// sealed says so here.
    /// </summary>
    [AddComponentMenu("")]
    public sealed class GeneratedMark : MonoBehaviour
    {
        private static readonly Vector3 Place = new Vector3(0, -0.34f, 0.1f);
        private const float Size = 0.012f;
        private const float Least = 0.2f;
        private TextMesh _text;
        private MeshRenderer _renderer;
        private string _mark = "", _problem, _shown = "";

        internal static GeneratedMark Ensure(LikenessAvatar avatar)
        {
            var mark = avatar.GetComponentInChildren<GeneratedMark>(true);
            if (mark != null) return mark;
            var go = new GameObject("Generated mark");
            go.transform.SetParent(avatar.transform, false);
            return go.AddComponent<GeneratedMark>();
        }

        /// <summary>Shows the tag's mark; false when it cannot be seen, whatever the reason.</summary>
        internal bool Show(GeneratedTag tag, string sealProblem)
        {
            if (tag == null || !tag.Generated || string.IsNullOrEmpty(tag.Mark)) return false;
            if (_text == null) Build();
            if (_mark != tag.Mark || _problem != sealProblem)
            {
                _mark = tag.Mark;
                _problem = sealProblem;
                _shown = sealProblem == null ? tag.Mark : tag.Mark + "\nNOT VERIFIED: " + sealProblem;
            }
            if (_text.text != _shown) _text.text = _shown;
            _text.color = _problem == null ? Color.white : new Color(1f, 0.45f, 0.35f, 1f);
            _text.fontSize = 48;
            _text.characterSize = Size;
            transform.localPosition = Place;
            transform.localScale = Vector3.one;
            return enabled && gameObject.activeInHierarchy && _renderer.enabled && transform.lossyScale.x > Least;
        }

        internal void Clear() { if (_text != null) { _text.text = ""; _mark = _shown = ""; } }

        private void Build()
        {
            _text = GetComponent<TextMesh>();
            if (_text == null) _text = gameObject.AddComponent<TextMesh>();
            _text.anchor = TextAnchor.MiddleCenter;
            _text.alignment = TextAlignment.Center;
            _renderer = GetComponent<MeshRenderer>();
        }

        private void LateUpdate()
        {
            Camera view = Camera.main;
            if (view == null) return;
            Vector3 away = transform.position - view.transform.position;
            if (away.sqrMagnitude > 1e-6f) transform.rotation = Quaternion.LookRotation(away, Vector3.up);
        }
    }
}
