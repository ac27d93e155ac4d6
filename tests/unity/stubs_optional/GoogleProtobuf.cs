// Signatures of Google.Protobuf that generated messages use, for compiling only. Never shipped, never run.
#pragma warning disable 67, 649, 169, 414
using System;
using System.Collections;
using System.Collections.Generic;

namespace Google.Protobuf
{
    public interface IMessage { Reflection.MessageDescriptor Descriptor { get; } void MergeFrom(CodedInputStream input); void WriteTo(CodedOutputStream output); int CalculateSize(); }
    public interface IMessage<T> : IMessage, IEquatable<T> where T : IMessage<T> { void MergeFrom(T message); T Clone(); }
    public class MessageParser { }
    public sealed class MessageParser<T> : MessageParser where T : IMessage<T>
    {
        public MessageParser(Func<T> factory) { }
        public T ParseFrom(byte[] data) { return default(T); }
    }
    public static class MessageExtensions { public static byte[] ToByteArray(this IMessage message) { return null; } }
    public static class ProtoPreconditions { public static T CheckNotNull<T>(T value, string name) where T : class { return value; } }
    public sealed class UnknownFieldSet
    {
        public static UnknownFieldSet Clone(UnknownFieldSet other) { return null; }
        public static UnknownFieldSet MergeFrom(UnknownFieldSet to, UnknownFieldSet other) { return null; }
        public static UnknownFieldSet MergeFieldFrom(UnknownFieldSet to, CodedInputStream input) { return null; }
        public void WriteTo(CodedOutputStream output) { }
        public int CalculateSize() { return 0; }
    }
    public static class JsonFormatter { public static string ToDiagnosticString(IMessage message) { return ""; } }
    public sealed class ByteString : IEquatable<ByteString>
    {
        public static ByteString Empty { get { return null; } }
        public int Length { get { return 0; } }
        public static ByteString CopyFrom(byte[] data, int offset, int count) { return null; }
        public static ByteString CopyFrom(params byte[] data) { return null; }
        public void CopyTo(byte[] array, int position) { }
        public byte[] ToByteArray() { return null; }
        public bool Equals(ByteString other) { return false; }
        public override bool Equals(object other) { return false; }
        public override int GetHashCode() { return 0; }
        public static bool operator ==(ByteString a, ByteString b) { return false; }
        public static bool operator !=(ByteString a, ByteString b) { return true; }
    }
    public sealed class CodedInputStream
    {
        public uint ReadTag() { return 0; }
        public string ReadString() { return ""; }
        public ByteString ReadBytes() { return null; }
        public bool ReadBool() { return false; }
        public int ReadEnum() { return 0; }
        public float ReadFloat() { return 0; }
        public double ReadDouble() { return 0; }
        public uint ReadUInt32() { return 0; }
        public ulong ReadUInt64() { return 0; }
        public void ReadMessage(IMessage message) { }
    }
    public sealed class CodedOutputStream
    {
        public void WriteRawTag(byte a) { }
        public void WriteRawTag(byte a, byte b) { }
        public void WriteString(string v) { }
        public void WriteBytes(ByteString v) { }
        public void WriteBool(bool v) { }
        public void WriteEnum(int v) { }
        public void WriteFloat(float v) { }
        public void WriteDouble(double v) { }
        public void WriteUInt32(uint v) { }
        public void WriteUInt64(ulong v) { }
        public void WriteMessage(IMessage v) { }
        public static int ComputeStringSize(string v) { return 0; }
        public static int ComputeBytesSize(ByteString v) { return 0; }
        public static int ComputeEnumSize(int v) { return 0; }
        public static int ComputeMessageSize(IMessage v) { return 0; }
        public static int ComputeUInt32Size(uint v) { return 0; }
        public static int ComputeUInt64Size(ulong v) { return 0; }
    }
    public sealed class FieldCodec<T> { }
    public static class FieldCodec
    {
        public static FieldCodec<string> ForString(uint tag) { return null; }
        public static FieldCodec<string> ForString(uint tag, string none) { return null; }
        public static FieldCodec<float> ForFloat(uint tag) { return null; }
        public static FieldCodec<float> ForFloat(uint tag, float none) { return null; }
        public static FieldCodec<T> ForMessage<T>(uint tag, MessageParser<T> parser) where T : class, IMessage<T> { return null; }
    }
}

namespace Google.Protobuf.Collections
{
    public sealed class RepeatedField<T> : IEnumerable<T>, IEquatable<RepeatedField<T>>
    {
        public int Count { get { return 0; } }
        public void Add(T item) { }
        public void Add(IEnumerable<T> items) { }
        public void CopyTo(T[] array, int index) { }
        public RepeatedField<T> Clone() { return null; }
        public int CalculateSize(FieldCodec<T> codec) { return 0; }
        public void WriteTo(CodedOutputStream output, FieldCodec<T> codec) { }
        public void AddEntriesFrom(CodedInputStream input, FieldCodec<T> codec) { }
        public bool Equals(RepeatedField<T> other) { return false; }
        public IEnumerator<T> GetEnumerator() { return null; }
        IEnumerator IEnumerable.GetEnumerator() { return null; }
    }
    public sealed class MapField<K, V> : IEquatable<MapField<K, V>>
    {
        public sealed class Codec { public Codec(FieldCodec<K> key, FieldCodec<V> value, uint tag) { } }
        public V this[K key] { get { return default(V); } set { } }
        public MapField<K, V> Clone() { return null; }
        public int CalculateSize(Codec codec) { return 0; }
        public void WriteTo(CodedOutputStream output, Codec codec) { }
        public void AddEntriesFrom(CodedInputStream input, Codec codec) { }
        public void Add(MapField<K, V> other) { }
        public void MergeFrom(MapField<K, V> other) { }
        public bool Equals(MapField<K, V> other) { return false; }
    }
    public static class ProtobufEqualityComparers
    {
        public static EqualityComparer<float> BitwiseSingleEqualityComparer { get { return null; } }
        public static EqualityComparer<double> BitwiseDoubleEqualityComparer { get { return null; } }
    }
}

namespace Google.Protobuf.Reflection
{
    public sealed class MessageDescriptor { public IList<MessageDescriptor> NestedTypes { get { return null; } } }
    public sealed class FileDescriptor
    {
        public IList<MessageDescriptor> MessageTypes { get { return null; } }
        public static FileDescriptor FromGeneratedCode(byte[] data, FileDescriptor[] needs, GeneratedClrTypeInfo info) { return null; }
    }
    public abstract class Extension { }
    public sealed class GeneratedClrTypeInfo
    {
        public GeneratedClrTypeInfo(Type type, MessageParser parser, string[] names, string[] oneofs, Type[] enums, Extension[] extensions, GeneratedClrTypeInfo[] nested) { }
        public GeneratedClrTypeInfo(Type[] enums, Extension[] extensions, GeneratedClrTypeInfo[] nested) { }
    }
    public sealed class OriginalNameAttribute : Attribute { public OriginalNameAttribute(string name) { } }
}
