using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// The mark in the world: "GEN - Albert Einstein - driven by: text". It faces the camera and stays in view.
    /// There is no way to hide it; an avatar whose mark is gone is not drawn.
    /// </summary>
    [AddComponentMenu("")]
    public sealed class GeneratedMark : MonoBehaviour
    {
        private const float Below = 0.34f;
        private const float Size = 0.012f;
        private TextMesh _text;
        private MeshRenderer _renderer;
        private string _shown = "";

        internal static GeneratedMark Ensure(LikenessAvatar avatar)
        {
            var mark = avatar.GetComponentInChildren<GeneratedMark>(true);
            if (mark != null) return mark;
            var go = new GameObject("Generated mark");
            go.transform.SetParent(avatar.transform, false);
            go.transform.localPosition = new Vector3(0, -Below, 0.1f);
            return go.AddComponent<GeneratedMark>();
        }

        /// <summary>Shows the tag's mark; false when it cannot be seen, whatever the reason.</summary>
        internal bool Show(GeneratedTag tag)
        {
            if (tag == null || !tag.Generated || string.IsNullOrEmpty(tag.Mark)) return false;
            if (_text == null) Build();
            if (_shown != tag.Mark) { _text.text = tag.Mark; _shown = tag.Mark; }
            bool whole = enabled && gameObject.activeInHierarchy && _renderer.enabled && _text.text == tag.Mark
                && _text.color.a > 0.5f && transform.lossyScale.x > 0.2f;
            return whole;
        }

        private void Build()
        {
            _text = gameObject.AddComponent<TextMesh>();
            _text.anchor = TextAnchor.MiddleCenter;
            _text.alignment = TextAlignment.Center;
            _text.fontSize = 48;
            _text.characterSize = Size;
            _text.color = Color.white;
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
